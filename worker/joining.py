"""A mailbox joins: proven by a real login, kept under its own key, and rung for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any

from sqlalchemy import Connection, func

from models.base import AnyRow
from models.mailbox import State
from models.queries import changes, grants, leads, leases
from models.queries import folders as folder_queries
from models.queries import mailboxes as queries
from privacy.contents import Grant, MailboxCard, open_mailbox, seal_grant, seal_mailbox
from worker.boot import Service
from worker.connecting import make_connector
from worker.consequences import Consequences
from worker.mailboxes import reaches_further
from worker.own import settle
from worker.refused import AnotherAccount, AnotherWay, Busy, Unacceptable
from worker.subjects import subject_hash, token_hash

LOGINS_AT_ONCE = BoundedSemaphore(8)
"""Logins take seconds of a slow server's time; the API answers others meanwhile."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The mailbox, and whether it was connected for the first time."""

    id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Joining:
    """Connects mailboxes to one workspace; `by` says who asks."""

    service: Service
    workspace_id: int
    by: str

    def connect(
        self,
        provider: str,
        card: MailboxCard,
        grant: Grant,
        since: datetime | None,
        *,
        keeps_since: bool,
    ) -> Joined:
        """Log in and keep the mailbox; the same user and address again renews its grant.

        With `keeps_since`, and with no folders in the card, a mailbox that is known keeps its
        own.

        Raises:
            ConnectorError: What the mail server, or the way to it, said.
            Unacceptable: A folder that was asked for isn't there.
            Busy: Too many logins are going on.
            AnotherWay, AnotherAccount: The mailbox that is there isn't this one.
        """
        self.prove(provider, card, grant)
        return self.keep(provider, card, grant, since, keeps_since=keeps_since)

    def keep(
        self,
        provider: str,
        card: MailboxCard,
        grant: Grant,
        since: datetime | None,
        *,
        keeps_since: bool,
        expected: int | None = None,
        delegation: int | None = None,
        holding: Callable[[Connection], object] = bool,
    ) -> Joined:
        """Keep a mailbox that was proven; with `expected`, it must be that one (F19).

        `holding` is called in the transaction that keeps it, and may undo it by what it raises.

        Raises:
            AnotherWay: The address is connected by another provider.
            AnotherAccount: The account isn't the one that was connected before.
        """
        index = self.service.vault.workspace(self.workspace_id).index
        user, address = index.hash("user", card.user), index.address(card.address)
        consequences = Consequences(self.service, self.workspace_id, self.by)
        with self.service.store.workspace(self.workspace_id) as connection:
            queries.hold_account(connection, self.workspace_id, user + address)
            holding(connection)
            known = queries.connected_as(connection, user, address)
            if expected is not None and known != expected:
                raise AnotherAccount
            row = None if known is None else queries.find(connection, known)
            subject = None
            if grant.subject:
                subject = subject_hash(index, grant.provider, grant.subject)
            if row is not None:
                refuse_another(row, provider, subject)
                self.renew(connection, row, card, grant, since, keeps_since=keeps_since)
                subject = subject or row.subject_hash
                rests_on = {"subject_hash": subject, "delegation_id": delegation}
                queries.change(connection, row.id, **rests_on)
                joined = Joined(row.id, is_new=False)
            else:
                more = {
                    "user_hash": user,
                    "address_hash": address,
                    "subject_hash": subject,
                    "delegation_id": delegation,
                }
                id_ = self.add(connection, provider, card, grant, since, more)
                joined = Joined(id_, is_new=True)
                leads.hold_policy(connection, self.workspace_id)
                settle(connection, consequences, [address], "a mailbox of this address joined")
            changes.record(connection, self.workspace_id, "mailbox.connected", str(joined.id))
        consequences.begin()
        self.service.doorbell.sync([joined.id])
        return joined

    def prove(self, provider: str, card: MailboxCard, grant: Grant) -> None:
        """Log in and look for the folders that were asked for."""
        if not LOGINS_AT_ONCE.acquire(timeout=2):
            raise Busy
        try:
            connector = make_connector(self.service, provider, card, grant)
            try:
                listed = connector.folders()
            finally:
                connector.close()
        finally:
            LOGINS_AT_ONCE.release()
        names = {name for folder in listed for name in (folder.key, folder.name)}
        for position, name in enumerate(card.folders or ()):
            if name not in names:
                raise Unacceptable(f"folders.{position}", "is no folder of this mailbox")

    def add(
        self,
        connection: Connection,
        provider: str,
        card: MailboxCard,
        grant: Grant,
        since: datetime | None,
        more: dict[str, Any],
    ) -> int:
        """Keep a new mailbox and its grant; return its id."""
        id_ = queries.next_id(connection)
        key = self.service.vault.make_mailbox_key(self.workspace_id, id_)
        queries.add(
            connection,
            id=id_,
            workspace_id=self.workspace_id,
            generation=1,
            provider=provider,
            state=State.CONNECTING,
            since=since,
            sealed=seal_mailbox(key, self.workspace_id, id_, card),
            due_at=func.now(),
            **more,
        )
        queries.put_grant(
            connection,
            mailbox_id=id_,
            workspace_id=self.workspace_id,
            generation=1,
            token_hash=self.token_hash(grant),
            sealed=seal_grant(key, self.workspace_id, id_, 1, grant),
        )
        return id_

    def renew(
        self,
        connection: Connection,
        row: AnyRow,
        card: MailboxCard,
        grant: Grant,
        since: datetime | None,
        *,
        keeps_since: bool,
    ) -> None:
        """Give a known mailbox its new grant; what it holds stays (F19)."""
        key = self.service.vault.mailbox_key(self.workspace_id, row.id)
        held = open_mailbox(key, self.workspace_id, row.id, row.sealed)
        if card.folders is None:
            card = replace(card, folders=held.folders)
        values: dict[str, Any] = {
            "state": State.LIVE if row.last_synced_at is not None else State.CONNECTING,
            "sealed": seal_mailbox(key, self.workspace_id, row.id, card),
            "problem": None,
            "problem_at": None,
            "failures": 0,
            # What rang before may have died with the grant (F10).
            "watch_due_at": None,
        }
        if not row.paused:
            values["due_at"] = func.now()
        # The running sync has the old host or password: what it writes is undone.
        leases.break_off(connection, row.id, "sync")
        leases.break_off(connection, row.id, "import")
        if not keeps_since:
            values["since"] = since
            if reaches_further(since, row.since):
                folder_queries.list_again(connection, row.id)
        queries.change(connection, row.id, **values)
        sealed = seal_grant(key, self.workspace_id, row.id, row.generation, grant)
        named = self.token_hash(grant)
        grants.renew(connection, row.id, row.generation, sealed, named)

    def token_hash(self, grant: Grant) -> bytes | None:
        """Return the hash that a grant's refresh token is found by."""
        return token_hash(self.service.vault.workspace(self.workspace_id).index, grant)


def refuse_another(row: AnyRow, provider: str, subject: bytes | None) -> None:
    """Refuse to renew a mailbox by another provider, or by another account (F19).

    An address may have been given to somebody else since; the subject never is.

    Raises:
        AnotherWay, AnotherAccount: As named.
    """
    if row.provider != provider:
        raise AnotherWay
    if row.subject_hash is not None and subject is not None and row.subject_hash != subject:
        raise AnotherAccount
