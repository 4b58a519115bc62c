"""The purge: from an order to a certificate, through a crash at any point.

Order and fence (`privacy.order`) → revoke at the provider → shred keys → delete in chunks →
independent count → signed certificate. What the count finds is purged in a second pass. Each
step may be repeated; the ledger says how far it came, and every row that goes is counted in
the transaction in which it goes. One code path serves every scope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.exc import DBAPIError
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random_exponential

from models.base import AnyRow
from models.queries import erasures, policies, purging, tallies, threads
from models.queries.changes import record
from models.store import Store, is_database_lost
from privacy.certificate import issue
from privacy.order import Orders
from privacy.scope import Scope
from privacy.signer import Signer
from privacy.sweep import Sweep
from privacy.turn import LEASE, Overtaken, Turn, turn_of
from privacy.vault import Vault
from privacy.verifier import Residue, Verifier

CHUNK = 1000
"""Mails deleted per transaction: 75 ms at the longest was measured."""
LOOK = 10_000
"""Conversations looked at together for those that hold no mail."""
PASSES = 3

Revoke = Callable[[int, int], Mapping[str, Sequence[str]]]
"""Ends a mailbox's grant at its provider: workspace and mailbox id to what was ended."""

# A chunk that waits for a worker's lock, or is the victim of a deadlock with one, tries again.
yielding = retry(
    retry=retry_if_exception(is_database_lost),
    wait=wait_random_exponential(multiplier=0.01, max=0.5),
    stop=stop_after_delay(60),
    reraise=True,
)


class NotYetGone(Exception):
    """The count found residue after the last pass: the purge is to be tried again."""


class Purge:
    """Carries orders out."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        verifier: Verifier,
        signer: Signer,
        revoke: Revoke,
        clear_elsewhere: Callable[[AnyRow], None],
    ) -> None:
        self.store = store
        self.vault = vault
        self.verifier = verifier
        self.signer = signer
        self.revoke = revoke
        self.clear_elsewhere = clear_elsewhere
        self.orders = Orders(store, vault)
        self.sweep = Sweep(store, vault)

    def run(self, order_id: int) -> bool:
        """Carry out an order to its certificate; False if another is at it or it is done.

        Raises:
            NotYetGone: Something is left; the clock rings again.
        """
        with self.vault.store.system() as ledger:
            order = erasures.take(ledger, order_id, LEASE)
        if order is None:
            return False
        try:
            with turn_of(self.vault.store, order) as turn:
                self.carry_out(turn, order)
        except Overtaken:
            return False
        return True

    def carry_out(self, turn: Turn, order: AnyRow) -> None:
        """Go through all steps; those that were done before are passed over."""
        self.orders.fence(order.workspace_id, order.id)
        order = self.reread(order)
        self.end_grant(turn, order)
        self.shred(turn, order)
        residue: Residue = {}
        for _ in range(PASSES):
            self.delete(turn, order)
            self.clear_elsewhere(order)
            residue = self.verifier.count(order)
            if not any(residue.values()):
                self.certify(turn, self.reread(order), residue)
                return
            self.sweep.keys_of(order.workspace_id, order.requested_at)
        left = {where: count for where, count in residue.items() if count}
        raise NotYetGone(f"erasure {order.id}: {left}")

    def reread(self, order: AnyRow) -> AnyRow:
        """Return the order as the ledger has it now."""
        with self.vault.store.workspace(order.workspace_id) as ledger:
            row = erasures.find(ledger, order.id)
        if row is None:
            raise LookupError(f"erasure {order.id} is not in the ledger")
        return row

    def end_grant(self, turn: Turn, order: AnyRow) -> None:
        """End the mailbox's grant at the provider, once, while its credentials still open.

        Whatever goes wrong there, the purge goes on: what failed stands in the certificate.
        """
        if order.scope != Scope.MAILBOX or order.provider or order.shredded_at is not None:
            return
        answer: Mapping[str, Sequence[str]]
        try:
            answer = self.revoke(order.workspace_id, order.mailbox_id)
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001  (a purge never waits for a provider)
            answer = {"failed": [type(error).__name__]}
        turn.note(provider={step: list(what) for step, what in answer.items()})

    def shred(self, turn: Turn, order: AnyRow) -> None:
        """Destroy the keys of a mailbox or of leads; from here on their content is lost."""
        if order.shredded_at is not None:
            return
        if order.scope == Scope.MAILBOX:
            self.vault.shred_mailbox(order.workspace_id, order.mailbox_id, order.id)
        elif order.leads:
            self.vault.shred_leads(order.workspace_id, order.leads, order.id)
        turn.note(shredded_at=datetime.now(UTC))

    def delete(self, turn: Turn, order: AnyRow) -> None:
        """Delete in chunks, each in a transaction of its own, until nothing is left to delete."""
        self.shred_owed(order)
        while self.delete_mails(order):
            turn.note(state="purging")
            self.shred_owed(order)
            self.publish(order)
        after: int | None = 0
        while after is not None:
            after = self.delete_conversations(order, after)
        if order.scope == Scope.MAILBOX:
            self.delete_mailbox(order)
        self.publish(order)

    @yielding
    def delete_mails(self, order: AnyRow) -> bool:
        """Delete the next mails, and note what keys go with them; False if there are none.

        The keys go after the rows, because a mail that has become a lead's again must never
        meet a row without its key: it would be held, and never fetched again. A mailbox's are
        gone already.
        """
        with self.store.workspace(order.workspace_id) as connection:
            purging.give_way(connection)
            if order.scope != Scope.MAILBOX:
                # Nobody begins to justify a mail between the look and the deletion: a search
                # for a new lead would find it stored, and miss it.
                policies.version(connection, order.workspace_id, hold=True)
            mails = list(connection.scalars(doomed(order)))
            if not mails:
                return False
            removed = purging.delete_mails(connection, order.workspace_id, mails)
            tallies.add(connection, order.workspace_id, order.id, removed)
            if order.scope != Scope.MAILBOX:
                tallies.owe_keys(connection, order.workspace_id, order.id, mails)
        return True

    def shred_owed(self, order: AnyRow) -> None:
        """Destroy the keys of mails that are deleted, however often this was begun."""
        with self.store.workspace(order.workspace_id) as connection:
            mails = tallies.owed_keys(connection, order.id)
        if mails:
            self.vault.shred_messages(order.workspace_id, mails, order.id)
            with self.store.workspace(order.workspace_id) as connection:
                tallies.shredded(connection, order.id)

    @yielding
    def delete_conversations(self, order: AnyRow, after: int) -> int | None:
        """Delete conversations that hold no mail, of the next ones; return how far it looked."""
        with self.store.workspace(order.workspace_id) as connection:
            some = purging.conversations_after(connection, after, LOOK)
            empty = purging.empty_among(connection, some)
        for start in range(0, len(empty), CHUNK):
            with self.store.workspace(order.workspace_id) as connection:
                threads.hold_threads(connection, order.workspace_id)
                gone = purging.delete_empty_conversations(connection, empty[start : start + CHUNK])
                tallies.add(connection, order.workspace_id, order.id, gone)
        return some[-1] if some else None

    @yielding
    def delete_mailbox(self, order: AnyRow) -> None:
        """Delete the mailbox itself, with what hangs on it."""
        with self.store.workspace(order.workspace_id) as connection:
            purging.give_way(connection)
            removed = purging.delete_mailbox(connection, order.mailbox_id)
            tallies.add(connection, order.workspace_id, order.id, removed)

    def publish(self, order: AnyRow) -> None:
        """Show in the ledger how many rows went."""
        with self.store.workspace(order.workspace_id) as connection:
            removed = tallies.read(connection, order.id)
        with self.vault.store.workspace(order.workspace_id) as ledger:
            erasures.add_removed(ledger, order.id, removed)

    def certify(self, turn: Turn, order: AnyRow, residue: Residue) -> None:
        """Sign what was counted, tell the CRM once, and close the order."""
        verified = datetime.now(UTC)
        certificate = issue(self.signer, statement(order, residue, verified))
        if order.scope == Scope.MAILBOX:
            with self.store.workspace(order.workspace_id) as connection:
                if tallies.is_first(connection, order.workspace_id, order.id, "disconnected"):
                    mailbox = str(order.mailbox_id)
                    record(connection, order.workspace_id, "mailbox.disconnected", mailbox)
        turn.note(state="verified", verified_at=verified, certificate=certificate, lease_until=None)
        with self.store.workspace(order.workspace_id) as connection:
            tallies.forget(connection, order.id)


def statement(order: AnyRow, residue: Residue, verified: datetime) -> dict[str, Any]:
    """Return what a certificate says: ids, times, keyed hashes and counts; nobody's name."""
    return {
        "erasure": str(order.id),
        "workspace": str(order.workspace_id),
        "scope": order.scope,
        "subject": str(order.mailbox_id or order.lead_id or ""),
        "subject_hashes": [bytes(hash_).hex() for hash_ in order.hashes],
        "requested_at": stamp(order.requested_at),
        "fenced_at": stamp(order.fenced_at),
        "shredded_at": stamp(order.shredded_at or verified),
        "verified_at": stamp(verified),
        "removed": dict(order.removed),
        "residue": residue,
        "provider": order.provider,
    }


def doomed(order: AnyRow) -> Select[int]:
    """Select the next mails that an order removes."""
    match order.scope:
        case Scope.MAILBOX:
            return purging.mails_of_mailbox(order.mailbox_id, CHUNK)
        case Scope.ADDRESS:
            return purging.mails_naming(order.hashes, CHUNK)
        case Scope.BLOCK:
            return purging.mails_blocked(order.hashes, CHUNK)
        case Scope.LEAD | Scope.POLICY:
            return purging.mails_without_lead(order.hashes, CHUNK)
        case unknown:
            raise LookupError(f"erasure {order.id} has the unknown scope {unknown}")


def stamp(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
