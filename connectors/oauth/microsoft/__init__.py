"""Microsoft as a provider: Entra ID by msal, for people and for organisations."""

from connectors.oauth.microsoft.provider import Microsoft
from connectors.oauth.microsoft.ways import GRAPH, OUTLOOK_IMAP, Way

__all__ = ["GRAPH", "OUTLOOK_IMAP", "Microsoft", "Way"]
