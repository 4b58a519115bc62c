"""Microsoft as a provider: Entra ID by msal, for people and for organisations."""

from connectors.oauth.microsoft.provider import GRAPH, OUTLOOK_IMAP, Microsoft, Way

__all__ = ["GRAPH", "OUTLOOK_IMAP", "Microsoft", "Way"]
