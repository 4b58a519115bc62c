"""Taking in mail: fetch a batch → parse and seal each → one transaction.

Nothing in clear outlives the batch in memory. A mail that can't be taken in is parked, and
the mailbox goes on (F4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from connectors.base import Connector, RawMessage
from mail.matching import Match, Party, Policy, decide
from models.base import AnyRow
from models.queries import changes, mailboxes, policies, storing
from models.queries import pending as pending_queries
from models.queries.storing import Account, Ground, NewMail
from models.store import Fenced, PersonErased, PolicyChanged, Store, is_database_lost
from privacy.vault import Key, Vault
from worker.batch import cut, place_stored
from worker.beside import Beside
from worker.intake import Desk, NotTakenIn, Ticket
from worker.lease import Lease
from worker.names import message_id
from worker.policy import Policies
from worker.sealers import Answer, Sealers
from worker.slice import Slice
from worker.taking import Taken, take
from worker.threads import thread

log = structlog.get_logger(__name__)
TRIES = 5
DATABASE_PATIENCE = timedelta(seconds=10)
"""A batch in hand waits so long for a database that restarts, rather than be fetched again."""


@dataclass(slots=True)
class Import:
    """One run of taking in what waits for a mailbox, until its slice of time ends."""

    store: Store
    vault: Vault
    policies: Policies
    mailbox: AnyRow
    mailbox_key: Key
    account: Account
    folder_keys: dict[int, str]
    connector: Connector
    lease: Lease
    sealers: Sealers
    desk: Desk
    batch_bytes: int
    slice: Slice

    @property
    def ground(self) -> Ground:
        """What every row stands on."""
        return self.desk.ground

    def run(self) -> bool:
        """Take in batches until nothing waits; True if something is left for the next run.

        Raises:
            Fenced: The mailbox is being disconnected or paused, or the lease was lost.
            connectors.errors.ConnectorError: What the provider said.
        """
        is_over = False
        with Beside() as beside:
            batch = self.next_batch()
            while batch:
                tickets = self.tickets(batch)
                take_in = partial(self.take_in, tickets)
                taken = take(self.connector, batch, self.folder_keys, take_in)
                # One that is being stored holds the lease, and the next would wait for it.
                beside.settle()
                is_over = self.slice.is_over()
                batch = [] if is_over or taken.error else self.next_batch(batch)
                beside.begin(partial(self.finish, taken, tickets))
                if taken.error is not None:
                    raise taken.error
        return is_over

    def next_batch(self, taking: Sequence[AnyRow] = ()) -> list[AnyRow]:
        """Return what to fetch next, its try counted, within the budget of bytes.

        `taking` is what was fetched and isn't stored yet.

        A mail that has failed before comes alone: if it kills the worker, it kills no other
        mail's try. What is too large or was tried too often is parked.
        """
        with self.transaction() as connection:
            together = self.connector.fetched_together
            waiting = pending_queries.waiting(connection, self.mailbox.id, together)
            hopeless = [row.id for row in waiting if row.attempts >= TRIES]
            pending_queries.park(connection, hopeless, "failed-repeatedly")
            large = [row.id for row in waiting if row.size > self.desk.limits.message]
            pending_queries.park(connection, large, "too-large")
            parked = {*hopeless, *large}
            placed = place_stored(connection, self.ground, waiting)
            wanted = [row for row in waiting if row.id not in parked | placed]
            batch = cut(wanted, self.batch_bytes, taking)
            tries = max((row.attempts for row in batch), default=0)
            # If this worker dies, others may try as soon as its lease has ended; later each time.
            wait = self.lease.ttl * 2**tries
            pending_queries.count_try(connection, [row.id for row in batch], wait)
        if parked:
            log.warning("mails_parked", mailbox_id=self.mailbox.id, count=len(parked))
        return batch or (self.next_batch(taking) if parked or placed else [])

    def tickets(self, batch: Sequence[AnyRow]) -> dict[int, Ticket]:
        """Give each mail its id and its key before it comes, by pending id.

        Raises:
            Fenced: The mailbox is being disconnected.
        """
        with self.transaction() as connection:
            ids = storing.draw_ids(connection, len(batch))
        keys = self.vault.make_message_keys(
            self.mailbox.workspace_id, self.mailbox.id, self.mailbox_key, ids
        )
        return {
            row.id: Ticket(
                mail_id=id_,
                key=keys[id_],
                folder_id=row.folder_id,
                ref=row.ref,
                size=row.size,
                received_at=row.received_at,
                object_hash=row.object_hash,
            )
            for id_, row in zip(ids, batch, strict=True)
        }

    def take_in(self, tickets: Mapping[int, Ticket], mails: Mapping[int, RawMessage]) -> Answer:
        """Hand mails on, by pending id, to be parsed and sealed."""
        return self.sealers.take_in(
            self.desk, [(tickets[pending_id], came) for pending_id, came in mails.items()]
        )

    def finish(self, taken: Taken, tickets: Mapping[int, Ticket]) -> None:
        """Store what was sealed, park what can't be, forget what is gone."""
        sealed: dict[int, NewMail] = {}
        for pending_ids, coming in taken.coming:
            for pending_id, outcome in zip(pending_ids, self.sealers.wait_for(coming), strict=True):
                if isinstance(outcome, NotTakenIn):
                    taken.parked.setdefault(outcome.reason, []).append(pending_id)
                else:
                    sealed[pending_id] = outcome
        taken.coming.clear()
        self.store_batch(sealed, [ticket.mail_id for ticket in tickets.values()])
        if taken.parked or taken.gone or taken.given_back:
            with self.transaction() as connection:
                for reason, ids in taken.parked.items():
                    pending_queries.park(connection, ids, reason)
                    log.warning(
                        "mails_parked", mailbox_id=self.mailbox.id, count=len(ids), reason=reason
                    )
                pending_queries.done(connection, taken.gone)
                pending_queries.give_back(connection, self.mailbox.id, taken.given_back, taken.wait)

    def store_batch(self, sealed: Mapping[int, NewMail], drawn: Sequence[int]) -> None:
        """Store mails, by pending id, that the policy in force still wants.

        If it changes meanwhile, each mail is decided on again: what was planned under an
        older policy is never stored under a newer one. Of the ids `drawn` for the batch, the
        keys of those that aren't stored are shredded.
        """
        for attempt in Retrying(
            retry=retry_if_exception(is_database_lost),
            stop=stop_after_delay(DATABASE_PATIENCE),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            reraise=True,
        ):
            with attempt:
                stored = self.store_sealed([*sealed.values()], [*sealed])
        if attempt.retry_state.attempt_number > 1:
            # The first try may have been committed, its answer lost: its keys must stay.
            # Keys of mails that were not stored are swept later.
            return
        unwanted = [id_ for id_ in drawn if id_ not in stored]
        if unwanted:
            self.vault.shred_messages(self.mailbox.workspace_id, unwanted)

    def store_sealed(self, sealed: Sequence[NewMail], waiting: Sequence[int]) -> set[int]:
        """Store what the policy in force wants of the batch; return the ids of what it was.

        Raises:
            sqlalchemy.exc.DBAPIError: The database went away, perhaps after it had stored all.
        """
        while sealed:
            version, policy = self.policies.current(self.mailbox.workspace_id)
            wanted = [mail for mail in sealed if is_wanted(mail, policy)]
            try:
                return self.commit(version, policy, wanted, waiting)
            except (PolicyChanged, PersonErased):
                continue
        return set()

    def commit(
        self,
        version: int,
        policy: Policy,
        mails: Sequence[NewMail],
        waiting: Sequence[int],
    ) -> set[int]:
        """Store the mails, count them, tell the CRM, and forget that they waited.

        A mail that no longer waits has been removed upstream meanwhile and isn't stored.
        Return the ids of those that were.
        """
        workspace = self.mailbox.workspace_id
        with self.transaction() as connection:
            waited = pending_queries.done(connection, waiting)
            mails = [mail for mail in mails if (mail.folder_id, mail.ref) in waited]
            if not mails:
                return set()
            known = storing.twins_held(connection, self.mailbox.id, [m.twin for m in mails])
            conversations = thread(connection, workspace, mails, policy.own_addresses)
            storing.add_mails(connection, self.ground, version, mails, conversations)
            storing.count_activity(connection, self.ground, self.account, by_day(mails, known))
            changes.record_all(
                connection, workspace, "message.stored", [message_id(m.twin) for m in mails]
            )
        self.cap_roles({hash_ for mail in mails for _, hash_, _ in mail.participants})
        return {mail.id for mail in mails}

    def cap_roles(self, hashes: set[bytes]) -> None:
        """Stop role addresses that have gathered too much, and report them (F16)."""
        workspace = self.mailbox.workspace_id
        with self.store.workspace(workspace) as connection:
            full = storing.overfull_roles(
                connection, hashes, storing.role_cap(connection, workspace)
            )
        if not full:
            return
        with self.store.workspace(workspace) as connection:
            policies.raise_version(connection, workspace)
            storing.cap(connection, [row.id for row in full])
            changes.record_all(
                connection, workspace, "lead.role_capped", [str(row.lead_id) for row in full]
            )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction under the lease and the mailbox's generation.

        Raises:
            Fenced: One of them is lost.
        """
        with self.store.workspace(self.mailbox.workspace_id) as connection:
            self.lease.hold(connection)
            if not mailboxes.hold_live(connection, self.mailbox.id, self.mailbox.generation):
                raise Fenced
            yield connection


def is_wanted(mail: NewMail, policy: Policy) -> bool:
    """Decide on a mail by all the addresses it names (invariant 4)."""
    named = {Party(address, domain) for _, address, domain in mail.participants}
    return isinstance(decide(list(named), policy), Match)


def by_day(mails: Sequence[NewMail], known: set[bytes]) -> Iterator[tuple[int, int, int]]:
    """Yield day, sent and received of new mails; a copy in another folder counts once."""
    days: dict[int, list[int]] = {}
    counted = set(known)
    for mail in mails:
        if mail.twin in counted:
            continue
        counted.add(mail.twin)
        day = int(mail.sent_at.astimezone(UTC).timestamp() // 86400)
        days.setdefault(day, [0, 0])[0 if mail.outbound else 1] += 1
    for day, (sent, received) in sorted(days.items()):
        yield day, sent, received
