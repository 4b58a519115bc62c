"""What was asked of the stand-in, counted and kept, so that a test can say what was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.fakes.common.counters import CommonCounters


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that was asked for, in which format."""

    id: str
    format: str


@dataclass(slots=True)
class UserCounters:
    """What one account's grants were used for."""

    units: Counter[str] = field(default_factory=Counter)
    """Units spent, by method."""
    calls: Counter[str] = field(default_factory=Counter)
    """Calls answered or refused, by method; those without a good token are not known here."""
    messages: list[Asked] = field(default_factory=list)
    """Every message asked for by `messages.get`, refused ones included, in order."""
    attachments: list[tuple[str, str]] = field(default_factory=list)
    """Every attachment asked for: the message's id and the attachment's."""
    queries: list[str] = field(default_factory=list)
    """Every `q` of `messages.list`, once for each page; '' when there was none."""
    refreshes: int = 0

    @property
    def ids(self) -> set[str]:
        """The ids of all messages that were asked for."""
        return {asked.id for asked in self.messages} | {message for message, _ in self.attachments}


@dataclass(slots=True)
class Counters(CommonCounters):
    """What all clients did."""

    users: dict[str, UserCounters] = field(default_factory=dict)
    pushes_dropped: Counter[str] = field(default_factory=Counter)
    pushes: list[tuple[str, int]] = field(default_factory=list)
    """The user and the status of each push that was sent; 0 when nobody answered."""

    def of(self, address: str) -> UserCounters:
        """Return the counters of an account."""
        return self.users.setdefault(address, UserCounters())

    @property
    def units(self) -> int:
        """All units spent by all."""
        return sum(each.units.total() for each in self.users.values())

    def reset(self) -> None:
        """Begin anew; calls that are open stay counted."""
        CommonCounters.reset(self)
        self.users.clear()
        self.pushes.clear()
        self.pushes_dropped.clear()
