"""The CRM's leads: taken in and replaced, many at a time, and shown again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from models.base import AnyRow
from models.queries import leads as queries
from privacy.contents import LeadCard, open_lead, open_lead_address
from privacy.order import Instruction
from worker.boot import Service
from worker.consequences import Consequences
from worker.refused import NotThere, Unacceptable
from worker.replacing import Replacement
from worker.shown import Ignored, LeadGiven, LeadPage, LeadShown


@dataclass(frozen=True, slots=True)
class Leads:
    """The leads of one workspace; `by` says who asks."""

    service: Service
    workspace_id: int
    by: str

    def put(self, given: Sequence[LeadGiven]) -> list[LeadShown]:
        """Create or replace leads, all of them or none.

        A new address is searched for in every mailbox; mail that only an address justified
        which is taken away is purged.

        Raises:
            Unacceptable: A lead is given twice.
        """
        keys = self.service.vault.workspace(self.workspace_id)
        by_hash: dict[bytes, LeadGiven] = {}
        for position, one in enumerate(given):
            if by_hash.setdefault(keys.index.hash("lead", one.id), one) is not one:
                raise Unacceptable(f"items.{position}.id", "is given twice")
        consequences = Consequences(self.service, self.workspace_id, self.by)
        with self.service.store.workspace(self.workspace_id) as connection:
            queries.hold_policy(connection, self.workspace_id)
            shown = Replacement(self.service, connection, keys, consequences).replace(by_hash)
        consequences.begin()
        return shown

    def show(self, lead: str) -> LeadShown:
        """Return a lead.

        Raises:
            NotThere: The workspace has none of this id.
        """
        with self.service.store.workspace(self.workspace_id) as connection:
            row = self.find(connection, lead)
        return self.open([row])[0]

    def page(self, after: int, limit: int) -> LeadPage:
        """Return leads behind a position, in the order they came."""
        with self.service.store.workspace(self.workspace_id) as connection:
            rows = queries.page(connection, after, limit + 1)
        shown = tuple(self.open(rows[:limit]))
        return LeadPage(shown, rows[limit - 1].id if len(rows) > limit else None)

    def erase(self, lead: str, instruction: Instruction) -> int:
        """Order the erasure of a lead and of the mail that only it justifies.

        Raises:
            NotThere: The workspace has none of this id.
        """
        with self.service.store.workspace(self.workspace_id) as connection:
            row = self.find(connection, lead)
        order = self.service.orders.lead(self.workspace_id, row.id, instruction)
        self.service.doorbell.purge(order)
        return order

    def find(self, connection: Connection, lead: str) -> AnyRow:
        """Return a lead's row by the CRM's id.

        Raises:
            NotThere: There is none.
        """
        hash_ = self.service.vault.workspace(self.workspace_id).index.hash("lead", lead)
        row = queries.by_hash(connection, [hash_]).get(hash_)
        if row is None:
            raise NotThere
        return row

    def open(self, rows: Sequence[AnyRow]) -> list[LeadShown]:
        """Return rows as leads, by as many statements for many as for one."""
        workspace, ids = self.workspace_id, [row.id for row in rows]
        with self.service.store.workspace(workspace) as connection:
            addresses = queries.addresses(connection, ids)
        keys = self.service.vault.lead_keys(workspace, ids)
        held: dict[int, list[AnyRow]] = {}
        for address in addresses:
            held.setdefault(address.lead_id, []).append(address)
        return [
            show(
                open_lead(keys[row.id], workspace, row.id, row.sealed),
                (
                    (one.kind, open_lead_address(keys[row.id], workspace, one.id, one.sealed), one)
                    for one in held.get(row.id, [])
                ),
            )
            for row in rows
            if row.id in keys
        ]


def show(card: LeadCard, named: Iterable[tuple[str, str, AnyRow]]) -> LeadShown:
    """Return a lead of its card and its addresses: kind, text, row."""
    texts: dict[str, list[str]] = {"address": [], "domain": []}
    ignored: list[Ignored] = []
    for kind, text, row in named:
        texts[kind].append(text)
        if row.inert is not None or row.capped:
            ignored.append(Ignored(text, row.inert or "role_capped"))
    return LeadShown(
        card.id, card.name, tuple(texts["address"]), tuple(texts["domain"]), tuple(ignored)
    )
