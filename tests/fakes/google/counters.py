"""What was asked of the stand-in, counted and kept, so that a test can say what was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that was asked for, in which format."""

    id: str
    format: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that was refused: `address` is '' when nobody was known yet."""

    method: str
    address: str
    status: int
    reason: str


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
class Counters:
    """What all clients did."""

    users: dict[str, UserCounters] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    """Calls that were open at once; set a delay to see what a client really does at once."""
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
        self.users.clear()
        self.refused.clear()
        self.pushes.clear()
        self.pushes_dropped.clear()
        self.most_in_flight = self.in_flight

    def enter(self) -> None:
        """Count a call as open."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def leave(self) -> None:
        """Count a call as done."""
        self.in_flight -= 1
