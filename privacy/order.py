"""Orders to erase, and the fence that each raises before it answers.

The order is durable in the vault, with whose instruction, before anything else happens; the
fence follows at once, and from then on nothing of what is erased can be read or written.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from models.base import AnyRow
from models.lead import LeadAddress
from models.mailbox import Mailbox, State
from models.queries import erasures, policies, purging, tallies
from models.queries.changes import record, record_all
from models.store import Store
from privacy.scope import Scope
from privacy.vault import Place, Vault, seal, unseal

__all__ = ["Instruction", "Orders", "Scope"]


@dataclass(frozen=True, slots=True)
class Instruction:
    """On whose instruction something is erased, and their reference for it."""

    by: str
    reference: str


class Orders:
    """Writes orders to erase and raises their fences."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self.store = store
        self.vault = vault

    def mailbox(self, workspace_id: int, mailbox_id: int, instruction: Instruction) -> int:
        """Order a mailbox's erasure and fence it; a repeated order is the first one's."""
        order = self.write(workspace_id, Scope.MAILBOX, instruction, mailbox_id=mailbox_id)
        self.fence(workspace_id, order)
        return order

    def lead(self, workspace_id: int, lead_id: int, instruction: Instruction) -> int:
        """Order a lead's erasure and fence it."""
        with self.store.workspace(workspace_id) as connection:
            hashes = hashes_of_lead(connection, lead_id)
        order = self.write(workspace_id, Scope.LEAD, instruction, lead_id=lead_id, hashes=hashes)
        self.fence(workspace_id, order)
        return order

    def address(self, workspace_id: int, address: str, instruction: Instruction) -> int:
        """Order the erasure of a person by address, for good: a tombstone stays."""
        hash_ = self.vault.workspace(workspace_id).index.address(address)
        order = self.write(
            workspace_id, Scope.ADDRESS, instruction, hashes=[hash_], tombstones=True
        )
        self.fence(workspace_id, order)
        return order

    def narrowed(
        self,
        workspace_id: int,
        hashes: Collection[bytes],
        instruction: Instruction,
        *,
        blocked: bool = False,
    ) -> int:
        """Order the purge that a narrower policy asks for; the policy itself is the fence.

        The hashes are of the addresses and domains that justify no mail any more or, if
        blocked, that no mail may name.
        """
        scope = Scope.BLOCK if blocked else Scope.POLICY
        order = self.write(workspace_id, scope, instruction, hashes=hashes)
        self.fence(workspace_id, order)
        return order

    def write(
        self,
        workspace_id: int,
        scope: Scope,
        instruction: Instruction,
        *,
        mailbox_id: int | None = None,
        lead_id: int | None = None,
        hashes: Collection[bytes] = (),
        tombstones: bool = False,
    ) -> int:
        """Write the order into the ledger, durable when this returns.

        A mailbox has one unfinished order; writing it again returns that one.
        """
        keys = self.vault.workspace(workspace_id)
        with self.vault.store.workspace(workspace_id) as ledger:
            id_ = erasures.sealing_id(ledger)
            words = json.dumps({"by": instruction.by, "reference": instruction.reference})
            written = erasures.write_order(
                ledger,
                id=id_,
                workspace_id=workspace_id,
                scope=scope,
                mailbox_id=mailbox_id,
                lead_id=lead_id,
                hashes=sorted(set(hashes)),
                tombstones=tombstones,
                sealed=seal(keys.sealing, order_place(workspace_id, id_), words.encode()),
            )
        if written is not None:
            return written
        if mailbox_id is not None:
            with self.vault.store.workspace(workspace_id) as ledger:
                written = erasures.open_of_mailbox(ledger, mailbox_id)
        # The open one may have ended just now; then this is a new one.
        return written or self.write(workspace_id, scope, instruction, mailbox_id=mailbox_id)

    def fence(self, workspace_id: int, order_id: int) -> None:
        """Raise the fence of an order; repeating it, or after a crash, changes nothing."""
        with self.vault.store.workspace(workspace_id) as ledger:
            order = erasures.find(ledger, order_id)
        if order is None or order.fenced_at is not None:
            return
        with self.store.workspace(workspace_id) as connection:
            self.raise_fence(connection, order)
        with self.vault.store.workspace(workspace_id) as ledger:
            erasures.note_fenced(ledger, order_id)

    def raise_fence(self, connection: Connection, order: AnyRow) -> None:
        """Raise the fence in the data's transaction; a repetition finds nothing more to do."""
        if order.scope == Scope.MAILBOX:
            fence_mailbox(connection, order.workspace_id, order.mailbox_id)
            return
        policies.raise_version(connection, order.workspace_id)
        if order.scope == Scope.LEAD:
            # An address may have been added since the order was written: with the policy
            # held, what is read now is all there is.
            self.take_leads(connection, order, [order.lead_id])
        elif order.tombstones:
            purging.bury(connection, order.workspace_id, order.hashes)
            alone = purging.leads_known_only_by(connection, order.hashes)
            self.take_leads(connection, order, alone)
            removed = purging.take_from_leads(connection, order.hashes)
            tallies.add(connection, order.workspace_id, order.id, removed)

    def take_leads(self, connection: Connection, order: AnyRow, lead_ids: Sequence[int]) -> None:
        """Delete leads; before that is committed, the ledger knows their hashes and keys."""
        if order.scope == Scope.LEAD:
            hashes = [h for lead_id in lead_ids for h in hashes_of_lead(connection, lead_id)]
        else:
            hashes = []
        with self.vault.store.workspace(order.workspace_id) as ledger:
            erasures.widen(ledger, order.id, hashes, lead_ids)
        gone = []
        for lead_id in lead_ids:
            removed = purging.delete_lead(connection, lead_id)
            tallies.add(connection, order.workspace_id, order.id, removed)
            gone += [str(lead_id)] * removed["lead"]
        record_all(connection, order.workspace_id, "lead.erased", gone)

    def instruction(self, order: AnyRow) -> Instruction:
        """Return on whose instruction an order was written."""
        keys = self.vault.workspace(order.workspace_id)
        words = unseal(keys.sealing, order_place(order.workspace_id, order.id), order.sealed)
        read = json.loads(words)
        return Instruction(read["by"], read["reference"])


def order_place(workspace_id: int, order_id: int) -> Place:
    """Return the place that an order's words are bound to."""
    return Place(workspace_id, "erasure", order_id, "sealed")


def hashes_of_lead(connection: Connection, lead_id: int) -> list[bytes]:
    """Return the hashes of a lead's addresses and domains."""
    return list(connection.scalars(select(LeadAddress.hash).where(LeadAddress.lead_id == lead_id)))


def fence_mailbox(connection: Connection, workspace_id: int, mailbox_id: int) -> None:
    """Raise a mailbox's generation, once; waits for its open writers (invariant 3)."""
    raised = connection.execute(
        update(Mailbox)
        .where(Mailbox.id == mailbox_id, Mailbox.state != State.DISCONNECTING)
        .values(generation=Mailbox.generation + 1, state=State.DISCONNECTING, due_at=None)
    ).rowcount
    if raised:
        record(connection, workspace_id, "mailbox.disconnecting", str(mailbox_id))
