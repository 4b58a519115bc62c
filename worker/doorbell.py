"""The doorbell: tells the workers at once what the database says is due."""

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


class Doorbell:
    """Rings the workers. If nobody hears it nothing is lost: the clock rings what is due."""

    def sync(self, mailbox_ids: Collection[int]) -> None:
        """Ring for mailboxes that are to be synced now."""
        from worker.actors import sync_mailbox  # noqa: PLC0415  # it imports us

        ring(sync_mailbox.send, list(mailbox_ids)[:AT_ONCE])

    def fetch(self, mailbox_id: int) -> None:
        """Ring for a mailbox with mail that waits to be fetched."""
        from worker.actors import import_mail  # noqa: PLC0415  # it imports us

        ring(import_mail.send, [mailbox_id])

    def has_waiting(self, queue: str) -> bool:
        """Tell whether other messages wait in a queue, or in this worker for a thread.

        False if that can't be had.
        """
        from worker.actors import broker  # noqa: PLC0415  # it imports us

        if held_back(broker):
            return True
        try:
            return queue_length(broker, queue) > 0
        except (redis.RedisError, BrokerConnectionError, OSError):
            return False

    def purge(self, erasure_id: int) -> None:
        """Ring for an order to erase."""
        from worker.actors import erase  # noqa: PLC0415  # it imports us

        ring(erase.send, [erasure_id])


def ring(send: Callable[[int], object], ids: Collection[int]) -> None:
    """Send one message for each id, until the queue turns out to be away."""
    try:
        for id_ in ids:
            send(id_)
    except (redis.RedisError, BrokerConnectionError, OSError) as error:
        log.warning("doorbell_unheard", error=type(error).__name__, rings=len(ids))
