"""Watches that providers keep for us: begun, renewed ahead of their end, and ended (F10)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from connectors.base import Bell, Connector, Watch
from connectors.errors import ConnectorError, Unreachable
from models.base import AnyRow
from models.queries import bells, mailboxes
from models.store import Fenced
from privacy.contents import MailboxCard, open_watch, seal_watch
from privacy.vault import Key
from worker.notices import PATH

if TYPE_CHECKING:
    from worker.boot import Service

log = structlog.get_logger(__name__)
RETRY = timedelta(hours=1)
LONGEST = timedelta(days=7)
"""How long a watch lasts at most whose provider's answer never came (Graph: 10,080 minutes)."""
LATE = timedelta(days=1)
"""How long a ring may be late: Graph repeats it for four hours."""


@dataclass(slots=True)
class Watching:
    """One look after a mailbox's watch; `begun` is the row of one that was asked for anew."""

    service: Service
    mailbox: AnyRow
    key: Key
    card: MailboxCard
    begun: int | None = None

    def keep(self, connector: Connector) -> None:
        """Renew what is due, or begin anew; the mailbox is to be looked at after that.

        It is polled all the same, so nothing is lost by a watch that can't be renewed.

        Raises:
            Fenced: The mailbox is being disconnected; what began is ended again.
        """
        due_at = self.mailbox.watch_due_at
        if due_at is not None and due_at > datetime.now(UTC):
            return
        current = next(iter(held(self.service, self.mailbox, self.key)), None)
        try:
            watch = connector.watch(self.new_bell, "" if current is None else current.name)
        except ConnectorError as error:
            log.warning("watch_not_renewed", mailbox_id=self.mailbox.id, code=error.code)
            with self.writing() as connection:
                if self.begun is not None and not isinstance(error, Unreachable):
                    bells.drop(connection, self.begun)
                self.note(connection, datetime.now(UTC) + RETRY)
            return
        try:
            self.write(watch, current)
        except Fenced:
            if self.begun is not None and watch is not None:
                connector.revoke([watch.id])
            raise

    def new_bell(self) -> Bell:
        """Write a new secret down, and return the bell that it is for."""
        secret = secrets.token_urlsafe(32)
        hash_ = self.service.masters.hashes("watch", secret)[0]
        with self.writing() as connection:
            mailbox = self.mailbox
            self.begun = bells.begin(connection, mailbox.workspace_id, mailbox.id, hash_)
        url = f"{self.service.settings.public_url.rstrip('/')}{PATH}"
        return Bell(url, url, secret)

    def write(self, watch: Watch | None, current: Held | None) -> None:
        """Write down what was promised; where nothing is, to ask again is for later."""
        with self.writing() as connection:
            if watch is None:
                self.note(connection, datetime.now(UTC) + RETRY)
                return
            if self.begun is not None:
                if current is not None:
                    bells.end(connection, current.id)
                sealed = seal_watch(self.key, self.mailbox.workspace_id, self.begun, watch.id)
                bells.keep(connection, self.begun, sealed, watch.until)
            elif current is not None:
                bells.prolong(connection, current.id, watch.until)
            self.note(connection, watch.renew_at)

    def note(self, connection: Connection, due_at: datetime) -> None:
        """Write down when to look again."""
        named = self.service.masters.hashes("push", self.card.address)[0]
        mailboxes.note_watch(connection, self.mailbox.id, due_at, named)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that keeps the mailbox from being fenced.

        Raises:
            Fenced: It is.
        """
        with self.service.store.workspace(self.mailbox.workspace_id) as connection:
            if not mailboxes.hold_to_change(connection, self.mailbox.id, self.mailbox.generation):
                raise Fenced
            yield connection


@dataclass(frozen=True, slots=True)
class Held:
    """A watch that hasn't ended: its row, and what the provider calls it."""

    id: int
    name: str = field(repr=False)


def held(service: Service, mailbox: AnyRow, key: Key) -> Sequence[Held]:
    """Return the watches of a mailbox that haven't ended, the newest first."""
    workspace = mailbox.workspace_id
    with service.store.workspace(workspace) as connection:
        rows = bells.held(connection, mailbox.id)
    return [Held(row.id, open_watch(key, workspace, row.id, row.sealed)) for row in rows]


def forget(connection: Connection) -> int:
    """Forget watches that can't ring any more; return how many."""
    return bells.forget(connection, LATE, LONGEST)
