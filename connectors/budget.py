"""What a mailbox may ask of its provider's API: so much in a time, and so much at once."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Protocol


class Budget(Protocol):
    """The units that a mailbox may spend in a time, shared by all workers."""

    def spend(self, units: int, *, live: bool) -> None:
        """Take units; those for live mail may use up the reserve.

        Raises:
            Paced: Not enough are left now.
        """
        ...

    def drain(self, wait: timedelta) -> None:
        """Note that the provider itself wants a pause, for all workers."""
        ...


class Unlimited:
    """A budget without an end, for who counts elsewhere."""

    def spend(self, units: int, *, live: bool) -> None:
        """Take units, of which there are always enough."""

    def drain(self, wait: timedelta) -> None:
        """Forget that a pause is wanted."""


class Turns(Protocol):
    """The calls that may be under way for a mailbox at once, counted over all workers."""

    def turn(self, longest: timedelta) -> AbstractContextManager[None]:
        """Wait for a turn and have it for the block, which takes no longer than `longest`.

        Who dies in it gives it back by time.

        Raises:
            Paced: None is free now.
        """
        ...


class AnyTurns:
    """Turns without number, for who counts elsewhere."""

    def turn(self, longest: timedelta) -> AbstractContextManager[None]:
        """Have a turn."""
        del longest
        return nullcontext()
