"""What goes wrong on demand: refusals, delays and broken lines, for the next calls or for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase

from tests.fakes.common.wire import Breakage

ON_THE_LINE = frozenset(Breakage)


@dataclass(slots=True)
class Fault:
    """Something that happens to the next calls that fit."""

    what: str
    """A refusal of the provider's by its name, or a way to break on the line."""
    times: int
    method: str
    """A pattern of method names, as `gmail.users.messages.*` or `oauth.token`."""
    address: str | None
    """Only this user's calls; those of a call without a user never fit then."""
    retry_after: timedelta | None
    skip: int
    """How many fitting calls go well before it begins."""

    def fits(self, method: str, address: str | None) -> bool:
        """Say whether a call may be hit."""
        return fnmatchcase(method, self.method) and self.address in {None, address}


class Faults:
    """The faults that wait for their calls, and the delays of all."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._delays: dict[str, timedelta] = {}

    def add(self, fault: Fault) -> None:
        """Let it wait for its calls."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Let everything go well again."""
        self._waiting.clear()
        self._delays.clear()

    def delay(self, method: str, by: timedelta) -> None:
        """Let every call that fits take so long."""
        self._delays[method] = by

    def delay_of(self, method: str) -> timedelta:
        """Return how long a call takes."""
        fitting = (by for pattern, by in self._delays.items() if fnmatchcase(method, pattern))
        return max(fitting, default=timedelta())

    def suffer(
        self, method: str, address: str | None, refusal: Callable[[Fault], Exception]
    ) -> Breakage | None:
        """Return how the line of this call breaks, if it does.

        Raises:
            Exception: What `refusal` makes of the fault, when it is one of the provider's.
        """
        fault = self.strike(method, address)
        if fault is None:
            return None
        if fault.what not in ON_THE_LINE:
            raise refusal(fault)
        return Breakage(fault.what)

    def strike(self, method: str, address: str | None) -> Fault | None:
        """Return what happens to this call, and count it; nothing when it goes well."""
        for fault in self._waiting:
            if not fault.fits(method, address):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self._waiting.remove(fault)
            return fault
        return None
