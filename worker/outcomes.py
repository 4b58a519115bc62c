"""How a person's way to a provider can end, and what each error means for them."""

from __future__ import annotations

from enum import StrEnum

from connectors.errors import ConnectorError, GrantRevoked, Throttled, Unreachable
from connectors.oauth import (
    AdminWanted,
    CodeRefused,
    Denied,
    InteractionWanted,
    Narrowed,
    NoMailbox,
    Unproven,
)
from worker.refused import AnotherAccount, AnotherWay, Busy


class Outcome(StrEnum):
    """How an answer ended; all but the first change nothing."""

    CONNECTED = "connected"
    DENIED = "denied"
    NARROWED = "narrowed"
    REPEATED = "repeated"
    FORGED = "forged"
    STALE = "stale"
    OTHER_BROWSER = "other-browser"
    OTHER_ACCOUNT = "other-account"
    OTHER_WAY = "other-way"
    UNPROVEN = "unproven"
    CODE_REFUSED = "code-refused"
    ADMIN_CONSENT = "admin-consent"
    INTERACTION = "interaction-required"
    NO_MAILBOX = "no-mailbox"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"


MEANT: tuple[tuple[type[Exception], Outcome], ...] = (
    (Denied, Outcome.DENIED),
    (AdminWanted, Outcome.ADMIN_CONSENT),
    (InteractionWanted, Outcome.INTERACTION),
    (NoMailbox, Outcome.NO_MAILBOX),
    (Narrowed, Outcome.NARROWED),
    (CodeRefused, Outcome.CODE_REFUSED),
    (Unproven, Outcome.UNPROVEN),
    (AnotherAccount, Outcome.OTHER_ACCOUNT),
    (AnotherWay, Outcome.OTHER_WAY),
    (Unreachable, Outcome.UNREACHABLE),
    (Throttled, Outcome.UNREACHABLE),
    (Busy, Outcome.UNREACHABLE),
    (GrantRevoked, Outcome.NO_MAILBOX),
    (ConnectorError, Outcome.REFUSED),
)
"""What an error means for who connects; the first that fits."""


def outcome_of(error: Exception) -> Outcome:
    """Return what an error means for who connects."""
    return next(outcome for kind, outcome in MEANT if isinstance(error, kind))
