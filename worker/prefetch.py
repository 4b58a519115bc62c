"""What a worker has taken from the queues and not begun: bounded, and known to its jobs."""

from __future__ import annotations

import dramatiq
from dramatiq.middleware import Middleware


class Prefetch(Middleware):
    """Lets a worker take from each queue no more messages than it has threads.

    dramatiq takes twice as many, those at work included, so that as many mailboxes as there
    are threads would wait where no queue shows them.
    """

    def __init__(self) -> None:
        self._worker: dramatiq.Worker | None = None

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        """Bound what the worker takes; its consumers begin after this."""
        worker.queue_prefetch = worker.worker_threads
        self._worker = worker

    @property
    def waiting(self) -> int:
        """How many messages this process has taken, of all its queues, and not begun."""
        return 0 if self._worker is None else self._worker.work_queue.qsize()


def held_back(broker: dramatiq.Broker) -> int:
    """Return how many messages wait in this process for a thread."""
    return sum(one.waiting for one in broker.middleware if isinstance(one, Prefetch))
