"""What was asked of the stand-in, counted and kept, so that a test can say what was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.fakes.common.counters import CommonCounters


@dataclass(slots=True)
class UserCounters:
    """What was asked of one mailbox, by whomever; messages are named by their immutable ids."""

    calls: Counter[str] = field(default_factory=Counter)
    """Calls answered or refused, by method; those without a good token are not known here."""
    bodies: list[str] = field(default_factory=list)
    """Every message whose body, or a preview of it, was answered, in order."""
    contents: list[str] = field(default_factory=list)
    """Every message whose MIME content was asked for, in order."""
    selected: Counter[str] = field(default_factory=Counter)
    """How many messages were answered with each property."""
    shown: dict[str, set[str]] = field(default_factory=dict)
    """The messages that were answered with each property."""
    searches: list[str] = field(default_factory=list)
    """Every `$search`, once for each page."""
    mutable: Counter[str] = field(default_factory=Counter)
    """Calls about messages that did not prefer immutable ids, by method."""
    refreshes: int = 0
    at_once: int = 0
    most_at_once: int = 0
    """Requests that were open at once, refused ones included."""

    @property
    def ids(self) -> set[str]:
        """The messages of which anything that a person wrote was answered."""
        wrote = (self.shown.get(name, set()) for name in ("subject", "body", "bodyPreview"))
        return set(self.contents).union(*wrote)

    def show(self, message_id: str, names: list[str]) -> None:
        """Count a message that is answered with these properties."""
        for name in names:
            self.selected[name] += 1
            self.shown.setdefault(name, set()).add(message_id)
        if {"body", "bodyPreview", "uniqueBody"}.intersection(names):
            self.bodies.append(message_id)


@dataclass(slots=True)
class Notice:
    """A notice that was sent: what of, to which subscription, and the status it met."""

    kind: str
    """`created`, `updated`, `deleted`, or the name of a lifecycle event."""
    subscription: str
    status: int
    """0 when nobody answered."""


@dataclass(slots=True)
class Counters(CommonCounters):
    """What all clients did."""

    users: dict[str, UserCounters] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    """Calls that are about no mailbox, by method."""
    notices: list[Notice] = field(default_factory=list)

    def of(self, address: str) -> UserCounters:
        """Return the counters of a mailbox."""
        return self.users.setdefault(address, UserCounters())

    def reset(self) -> None:
        """Begin anew; calls that are open stay counted."""
        CommonCounters.reset(self)
        self.calls.clear()
        self.notices.clear()
        open_now = {name: each.at_once for name, each in self.users.items() if each.at_once}
        self.users.clear()
        for name, count in open_now.items():
            self.of(name).at_once = self.of(name).most_at_once = count
