"""What follows when it changes what concerns a lead: a purge of the past, or a search in it.

An order to purge is written while the policy is held, so that it is durable before the change
is: whoever takes it up waits at the fence until the change has been committed or undone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from models.queries import mailboxes
from models.store import is_database_lost
from privacy.order import Instruction, Scope
from worker.boot import Service


@dataclass(slots=True)
class Consequences:
    """Collects what a transaction brings about; `begin` starts it after the commit."""

    service: Service
    workspace_id: int
    by: str
    orders: list[int] = field(default_factory=list)
    searches: bool = False

    def purge(self, hashes: Collection[bytes], reference: str, *, blocked: bool = False) -> None:
        """Order the purge of mail that nothing justifies any more, or that names the blocked."""
        if hashes:
            self.orders.append(
                self.service.orders.write(
                    self.workspace_id,
                    Scope.BLOCK if blocked else Scope.POLICY,
                    Instruction(self.by, reference),
                    hashes=hashes,
                )
            )

    def begin(self) -> None:
        """Raise the fences, ring the purge and, if something new is looked for, the syncs."""
        for order in self.orders:
            self.service.orders.fence(self.workspace_id, order)
            self.service.doorbell.purge(order)
        if self.searches:
            ring_all(self.service, self.workspace_id)


def ring_all(service: Service, workspace_id: int) -> None:
    """Make all mailboxes of a workspace due and ring for them.

    A transaction of its own: held policy and held mailboxes would wait for each other.
    """
    try:
        with service.store.workspace(workspace_id) as connection:
            due = mailboxes.ring_workspace(connection)
    except DBAPIError as error:
        if not is_database_lost(error):
            raise
        # A deadlock with another ring, or the database went away: the poll finds the change.
        return
    service.doorbell.sync(due)


def ring_one(service: Service, workspace_id: int, mailbox_id: int) -> bool:
    """Make a mailbox due and ring for it; tell whether it may be synced now."""
    with service.store.workspace(workspace_id) as connection:
        due = mailboxes.ring(connection, [mailbox_id])
    service.doorbell.sync(due)
    return bool(due)
