"""The doorbell: tells the workers at once what the database says is due.

A job that was rung for and hasn't begun isn't rung for again: it will find whatever is due by
then, and a mailbox with many rings would have as many turns where the others have one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import redis
import structlog
from dramatiq.errors import BrokerConnectionError

from worker.broker import queue_length
from worker.prefetch import held_back

log = structlog.get_logger(__name__)
AT_ONCE = 50
"""Mailboxes rung by one call; the clock rings the others, which are due as well."""
RUNG_SECONDS = 10
"""How long a ring is believed to wait in its queue: if Redis lost it, it is rung again then."""
UNHEARD = (redis.RedisError, BrokerConnectionError, OSError)


class Doorbell:
    """Rings the workers. If nobody hears it nothing is lost: the clock rings what is due."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def sync(self, mailbox_ids: Collection[int]) -> None:
        """Ring for mailboxes that are to be synced now."""
        from worker.actors import sync_mailbox  # noqa: PLC0415  # it imports us

        self.ring("sync", list(mailbox_ids)[:AT_ONCE], sync_mailbox.send)

    def fetch(self, mailbox_id: int) -> None:
        """Ring for a mailbox with mail that waits to be fetched."""
        from worker.actors import import_mail  # noqa: PLC0415  # it imports us

        self.ring("import", [mailbox_id], import_mail.send)

    def purge(self, erasure_id: int) -> None:
        """Ring for an order to erase."""
        from worker.actors import erase  # noqa: PLC0415  # it imports us

        self.ring("purge", [erasure_id], erase.send)

    def ring(self, kind: str, ids: Collection[int], send: Callable[[int], object]) -> None:
        """Send a message for each id that none waits for, until the queue turns out to be away."""
        try:
            for id_ in ids:
                if self.client.set(rung_name(kind, id_), 1, nx=True, ex=RUNG_SECONDS):
                    send(id_)
        except UNHEARD as error:
            log.warning("doorbell_unheard", error=type(error).__name__, rings=len(ids))

    def answer(self, kind: str, id_: int) -> None:
        """Say that the job begins: what happens from now on is rung for again."""
        try:
            self.client.delete(rung_name(kind, id_))
        except UNHEARD as error:
            log.warning("doorbell_unheard", error=type(error).__name__, rings=1)

    def has_waiting(self, queue: str) -> bool:
        """Tell whether other messages wait in a queue, or in this worker for a thread.

        False if that can't be had.
        """
        from worker.actors import broker  # noqa: PLC0415  # it imports us

        if held_back(broker):
            return True
        try:
            return queue_length(broker, queue) > 0
        except UNHEARD:
            return False


def rung_name(kind: str, id_: int) -> str:
    """Return the Redis key that says that a job was rung for and hasn't begun."""
    owner = "erasure" if kind == "purge" else "mailbox"
    return f"leadmail:{owner}:{id_}:rung:{kind}"
