"""Authorization at a provider: from a person's consent to tokens, and to their end."""

from connectors.oauth.base import Answer, Ask, Begun, Granted, Identity, Provider, Tokens
from connectors.oauth.errors import (
    AdminWanted,
    ClientRefused,
    CodeRefused,
    Denied,
    GrantEnded,
    InteractionWanted,
    Narrowed,
    NoMailbox,
    Unproven,
)

__all__ = [
    "AdminWanted",
    "Answer",
    "Ask",
    "Begun",
    "ClientRefused",
    "CodeRefused",
    "Denied",
    "GrantEnded",
    "Granted",
    "Identity",
    "InteractionWanted",
    "Narrowed",
    "NoMailbox",
    "Provider",
    "Tokens",
    "Unproven",
]
