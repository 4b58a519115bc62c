"""One purge at a time per order: a lease that the dead lose, and that a stale purge can't use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from typing import Any

from sqlalchemy import func
from sqlalchemy.exc import DBAPIError

from models.base import AnyRow
from models.queries import erasures
from models.store import Store

LEASE = timedelta(seconds=20)
"""After so long without a sign a killed purge is taken up by another."""


class Overtaken(Exception):
    """Another purge has taken the order over, or has ended it: stop."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to carry an order on; `attempt` is what later ones count up."""

    ledger: Store
    workspace_id: int
    order_id: int
    attempt: int

    def note(self, **values: Any) -> None:
        """Write progress, and keep the order for another while.

        Raises:
            Overtaken: It is another's by now.
        """
        with self.ledger.workspace(self.workspace_id) as connection:
            kept = {"lease_until": func.now() + LEASE, **values}
            if not erasures.note(connection, self.order_id, self.attempt, **kept):
                raise Overtaken


@contextmanager
def turn_of(ledger: Store, order: AnyRow) -> Iterator[Turn]:
    """Keep a taken order for the block, and give it back when the block ends without an end.

    A thread prolongs it while a provider or a long count is waited for.
    """
    turn = Turn(ledger, order.workspace_id, order.id, order.attempts)
    over = Event()
    beat = Thread(target=prolong, args=(turn, over), daemon=True)
    beat.start()
    try:
        yield turn
    finally:
        over.set()
        beat.join()
        # If it can't be given back, it is lost by time.
        with suppress(Overtaken, DBAPIError):
            turn.note(lease_until=None)


def prolong(turn: Turn, over: Event) -> None:
    """Prolong a turn until it is over or lost."""
    while not over.wait(LEASE.total_seconds() / 4):
        try:
            turn.note()
        except Overtaken:
            return
        except DBAPIError:
            # The vault is away; if it stays away the turn is lost, and the purge's own notes
            # say so.
            continue
