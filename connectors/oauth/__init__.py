"""Authorization at a provider: from a person's consent to tokens, and to their end."""

from connectors.oauth.base import Answer, Ask, Begun, Granted, Identity, Provider, Tokens
from connectors.oauth.errors import ClientRefused, CodeRefused, GrantEnded, Narrowed, Unproven

__all__ = [
    "Answer",
    "Ask",
    "Begun",
    "ClientRefused",
    "CodeRefused",
    "GrantEnded",
    "Granted",
    "Identity",
    "Narrowed",
    "Provider",
    "Tokens",
    "Unproven",
]
