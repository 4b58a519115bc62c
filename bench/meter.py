"""What a process and its children cost: processor seconds and the peak of their memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
MB = 10**6


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall clock and of processors, and the most megabytes of one process.

    `round_trips` is zero where they weren't counted.
    """

    wall: float
    cpu: float
    peak_mb: float
    round_trips: int = 0
    server_cpu: float = 0.0


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def processor_seconds(pids: Iterable[int]) -> float:
    """Return what processes used so far, with their children that have ended."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def forget_peaks(pids: Iterable[int]) -> None:
    """Begin the measurement of the highest memory anew (proc(5), clear_refs)."""
    for pid in pids:
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mb(pids: Iterable[int]) -> float:
    """Return the most memory that one of the processes had resident, its libraries included."""
    return max((_highest(pid) for pid in pids), default=0.0)


def _highest(pid: int) -> float:
    for name, value in _status(pid):
        if name == "VmHWM":
            return int(value.split()[0]) * 1024 / MB
    return 0.0


def _status(pid: int) -> Iterator[tuple[str, str]]:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            yield name, value
