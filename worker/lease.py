"""One worker at a time per mailbox and kind of work, by a lease that the dead lose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from threading import Event, Thread

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from models.queries import leases
from models.store import Fenced, Store

log = structlog.get_logger(__name__)


class Work(StrEnum):
    """The kinds of work on a mailbox that may go on beside each other."""

    SYNC = "sync"
    IMPORT = "import"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for a mailbox, shown in every transaction that does."""

    mailbox_id: int
    kind: Work
    epoch: int
    ttl: timedelta

    def hold(self, connection: Connection) -> None:
        """Prolong the lease in this transaction.

        Raises:
            Fenced: It was lost to another worker.
        """
        leases.hold(connection, self.mailbox_id, self.kind, self.epoch, self.ttl)


@contextmanager
def leased(
    store: Store, workspace_id: int, mailbox_id: int, kind: Work, ttl: timedelta
) -> Iterator[Lease | None]:
    """Take the lease for the block; None while another worker has it.

    A thread prolongs it while the block waits for the network; a process that is stopped or
    killed loses it after `ttl`.
    """
    with store.workspace(workspace_id) as connection:
        epoch = leases.take(connection, workspace_id, mailbox_id, kind, ttl)
    if epoch is None:
        yield None
        return
    lease = Lease(mailbox_id, kind, epoch, ttl)
    over = Event()
    beat = Thread(target=prolong, args=(store, workspace_id, lease, over), daemon=True)
    beat.start()
    try:
        yield lease
    finally:
        over.set()
        beat.join()
        with store.workspace(workspace_id) as connection:
            leases.release(connection, mailbox_id, kind, epoch)


def prolong(store: Store, workspace_id: int, lease: Lease, over: Event) -> None:
    """Prolong a lease until the work is over or the lease is lost."""
    while not over.wait(lease.ttl.total_seconds() / 4):
        try:
            with store.workspace(workspace_id) as connection:
                lease.hold(connection)
        except Fenced:
            return
        except DBAPIError:
            # The database is away; if it stays away the lease is lost, and the work's own
            # transactions say so.
            log.warning("lease_not_prolonged", mailbox_id=lease.mailbox_id)
