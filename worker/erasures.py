"""Erasures as an admin orders and follows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from models.base import AnyRow
from models.queries import erasures as queries
from models.queries import tallies
from privacy.order import Instruction
from worker.boot import Service
from worker.given import given_address
from worker.leads import Leads
from worker.mailboxes import Mailboxes
from worker.names import UnknownId, row_id
from worker.refused import NotThere


@dataclass(frozen=True, slots=True)
class ErasureShown:
    """How far an erasure is; `removed` counts rows by table, and keys."""

    id: int
    scope: str
    state: Literal["fenced", "purging", "verified"]
    removed: Mapping[str, int]
    requested_at: datetime
    fenced_at: datetime | None
    verified_at: datetime | None
    certificate: str | None


@dataclass(frozen=True, slots=True)
class Erasures:
    """The erasures of one workspace; `by` says who asks."""

    service: Service
    workspace_id: int
    by: str

    def address(self, address: str, instruction: Instruction) -> int:
        """Order the erasure of a person by address, for good.

        Raises:
            Unacceptable: It is no address.
        """
        order = self.service.orders.address(
            self.workspace_id, given_address("address", address), instruction
        )
        self.service.doorbell.purge(order)
        return order

    def lead(self, lead: str, instruction: Instruction) -> int:
        """Order the erasure of a lead.

        Raises:
            NotThere: The workspace has none of this id.
        """
        return Leads(self.service, self.workspace_id, self.by).erase(lead, instruction)

    def mailbox(self, mailbox: str, instruction: Instruction) -> int:
        """Order the erasure of a mailbox.

        Raises:
            NotThere: The workspace has none of this id.
        """
        return Mailboxes(self.service, self.workspace_id, self.by).disconnect(mailbox, instruction)

    def show(self, erasure: str) -> ErasureShown:
        """Return an erasure.

        Raises:
            NotThere: The workspace has none of this id.
        """
        try:
            id_ = row_id(erasure)
        except UnknownId:
            raise NotThere from None
        return self.shown([self.find(id_)])[0]

    def page(self, before: int | None, limit: int) -> tuple[list[ErasureShown], int | None]:
        """Return erasures below an id, newest first, and what is next."""
        with self.service.vault_store.workspace(self.workspace_id) as ledger:
            rows = queries.page(ledger, before, limit + 1)
        return self.shown(rows[:limit]), rows[limit - 1].id if len(rows) > limit else None

    def find(self, erasure_id: int) -> AnyRow:
        """Return an erasure's row; one whose process died before its fence is fenced now.

        Raises:
            NotThere: The workspace has none of this id.
        """
        row = self.read(erasure_id)
        if row.state == "ordered":
            self.service.orders.fence(self.workspace_id, erasure_id)
            row = self.read(erasure_id)
        return row

    def read(self, erasure_id: int) -> AnyRow:
        """Return an erasure's row as it is."""
        with self.service.vault_store.workspace(self.workspace_id) as ledger:
            row = queries.find(ledger, erasure_id)
        if row is None:
            raise NotThere
        return row

    def shown(self, rows: Sequence[AnyRow]) -> list[ErasureShown]:
        """Return rows as they are shown, with what is removed so far."""
        with self.service.store.workspace(self.workspace_id) as connection:
            removed = tallies.read_many(connection, [row.id for row in rows])
        return [
            ErasureShown(
                id=row.id,
                scope=row.scope,
                # What isn't fenced yet will be before anything is removed.
                state="fenced" if row.state == "ordered" else row.state,
                removed=row.removed or removed.get(row.id, {}),
                requested_at=row.requested_at,
                fenced_at=row.fenced_at,
                verified_at=row.verified_at,
                certificate=row.certificate,
            )
            for row in rows
        ]
