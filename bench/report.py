"""The table that is printed, and the marks that a version must reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.moments import Deliveries, Disconnected
from bench.scenarios import Table

PEER, DURABLE_PEER = "mbsync, FSync no", "mbsync as it comes"
SOME, EVERYTHING = "Leadmail, 15 % match", "Leadmail, all match"
DURABILITY = {
    PEER: "page cache",
    DURABLE_PEER: "fsync per mail",
    "Leadmail": "fsync per batch",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What must be reached; `value` is what was."""

    name: str
    value: float
    most: float
    unit: str = ""

    @property
    def is_reached(self) -> bool:
        """Whether the value isn't above the mark."""
        return self.value <= self.most

    def line(self) -> str:
        """Return it as a line of the report."""
        verdict = "passed" if self.is_reached else "MISSED"
        return f"{verdict}  {self.name}: {self.value:.2f} (at most {self.most:g}){self.unit}"


def lines_of(table: Table, peer: str = PEER) -> Iterator[str]:
    """Yield a table's lines; a ratio's peer has the same suffix as its contender."""
    yield f"\n{table.title}"
    yield (
        f"  {'':26}{'wall s':>8}{'ratio':>7}{'CPU s':>8}{'PG CPU':>8}{'peak MB':>9}"
        f"{'trips':>7}  durable by"
    )
    for name in table.costs:
        cost = table.median(name)
        other = peer + name[name.index(", 50 ms") :] if ", 50 ms" in name else peer
        yield (
            f"  {name:26}{cost.wall:8.2f}{table.ratio(name, other):7.2f}{cost.cpu:8.2f}"
            f"{cost.server_cpu or '':>8.3}{cost.peak_mb:9.0f}{cost.round_trips or '':>7}"
            f"  {durability(name)}"
        )


def durability(contender: str) -> str:
    """Return what a mail survives once this contender has taken it."""
    return next(text for name, text in DURABILITY.items() if contender.startswith(name))


def marks_of_first_sync(table: Table) -> list[Mark]:
    """Return the marks of a first sync over TLS."""
    return [
        Mark("15 % matching, of mbsync FSync no", table.ratio(SOME, PEER), 0.5),
        Mark("everything matching, of mbsync FSync no", table.ratio(EVERYTHING, PEER), 1.6),
        Mark(
            "everything matching, of mbsync as it comes", table.ratio(EVERYTHING, DURABLE_PEER), 1
        ),
        Mark("peak memory of the worker", memory(table), 250, " MB"),
    ]


def memory(table: Table) -> float:
    """Return the most memory that a worker had."""
    return max(cost.peak_mb for name in (SOME, EVERYTHING) for cost in table.costs[name])


def marks_of_no_change(table: Table) -> list[Mark]:
    """Return the mark of a look at unchanged folders."""
    trips = max(cost.round_trips for cost in table.costs["Leadmail"])
    return [Mark("no change over 50 folders (TLS)", trips, 5, " round trips")]


def marks_of_delivery(found: Deliveries) -> list[Mark]:
    """Return the mark of a delivery: the slowest of all."""
    return [Mark("delivery to visible, the slowest", found.worst(), 1, " s")]


def marks_of_disconnection(found: Disconnected) -> list[Mark]:
    """Return the marks of a disconnection."""
    name = f"disconnection of {found.mails} mails"
    return [
        Mark(f"{name}, unreadable", found.unreadable, 1, " s"),
        Mark(f"{name}, verified", found.verified, 120, " s"),
    ]
