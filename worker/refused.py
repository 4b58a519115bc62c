"""Why a call of the CRM isn't carried out: one class per answer."""

from __future__ import annotations


class NotThere(Exception):
    """Nothing of this id is in the workspace, or nothing that may be read."""


class Unacceptable(Exception):
    """What was given can't be taken; names the field, and never repeats its value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class AnotherWay(Exception):
    """The address is connected by another provider: that mailbox is to be disconnected first."""


class AnotherAccount(Exception):
    """Somebody else's account than the mailbox's: it stays as it is (F19)."""


class Busy(Exception):
    """Too much of this kind is going on just now: try again in a moment."""
