"""What any stand-in counts: refusals, and how many calls were open at once."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that was refused: `address` is '' when nobody was known yet."""

    method: str
    address: str
    status: int
    reason: str


@dataclass(slots=True)
class CommonCounters:
    """What all clients did."""

    refused: list[Refused] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    """Calls that were open at once; set a delay to see what a client really does at once."""

    def reset(self) -> None:
        """Begin anew; calls that are open stay counted."""
        self.refused.clear()
        self.most_in_flight = self.in_flight

    def enter(self) -> None:
        """Count a call as open."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def leave(self) -> None:
        """Count a call as done."""
        self.in_flight -= 1
