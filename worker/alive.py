"""What the doctor sees of the processes: a queue, a worker, a clock and a watcher that live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import time

from dramatiq.brokers.redis import RedisBroker

from models.queries import server, watches
from worker.boot import Service
from worker.broker import HEARTBEAT_MS, NAMESPACE, build_broker, queue_length
from worker.files import SOCKETS_A_MAILBOX, most
from worker.lease import Work


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; a problem has its remedy."""

    subject: str
    problem: str = ""
    remedy: str = ""

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to mend."""
        return not self.problem


def check_queue(service: Service) -> Iterator[Finding]:
    """See that the broker answers and that a worker has listened to it just now."""
    broker = build_broker(service.settings)
    try:
        broker.declare_queue(Work.SYNC)
        queue_length(broker, Work.SYNC)
        if not isinstance(broker, RedisBroker):
            return
        since = (time() - HEARTBEAT_MS / 1000) * 1000
        if not broker.client.zcount(f"{NAMESPACE}:__heartbeats__", since, "+inf"):
            yield Finding("worker", "none listens", "start the worker and purge processes")
    finally:
        broker.close()


def check_clock(service: Service) -> Iterator[Finding]:
    """See that a clock is active: without it nothing that was lost is rung again."""
    with service.store.engine.connect() as connection:
        if not server.has_clock(connection):
            yield Finding("clock", "none is active", "start `leadmail clock`")


def check_watcher(service: Service) -> Iterator[Finding]:
    """See that mailboxes are watched, where there are some."""
    with service.store.system() as connection:
        wanted, held = watches.count_watchable(connection), watches.count_watched(connection)
    if wanted and not held:
        yield Finding("watcher", "no mailbox is watched: mail comes late", "start `leadmail watch`")


def check_files(service: Service) -> Iterator[Finding]:
    """See that a watcher may open a socket for each folder that it is to watch."""
    with service.store.system() as connection:
        wanted = watches.count_watchable(connection) * SOCKETS_A_MAILBOX
    if wanted > most():
        yield Finding(
            "open files",
            f"watching may take {wanted} of them, and {most()} are allowed",
            "raise the hard limit of open files (LimitNOFILE), or start more watchers",
        )
