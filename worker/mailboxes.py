"""The mailboxes of a workspace: connected, shown, changed, disconnected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from models.base import AnyRow
from models.mailbox import State
from models.queries import changes, leases, states
from models.queries import folders as folder_queries
from models.queries import mailboxes as queries
from models.queries import pending as pending_queries
from privacy.contents import MailboxCard, open_mailbox, seal_mailbox
from privacy.order import Instruction
from privacy.vault import Shredded
from worker.boot import Service
from worker.consequences import Consequences, ring_one
from worker.names import UnknownId, row_id
from worker.own import settle_held
from worker.refused import NotThere


@dataclass(frozen=True, slots=True)
class MailboxShown:
    """A mailbox as the API shows it; `card` is None once its key is gone."""

    id: int
    provider: str
    card: MailboxCard | None
    state: State
    paused: bool
    visibility: str
    since: datetime | None
    progress: AnyRow
    last_synced_at: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class MailboxChange:
    """What to change of a mailbox; `sets` names the fields that were given."""

    sets: frozenset[str]
    paused: bool = False
    folders: tuple[str, ...] | None = None
    since: datetime | None = None
    visibility: str = "private"


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """The mailboxes of one workspace; `by` says who asks."""

    service: Service
    workspace_id: int
    by: str

    def page(self, after: int, limit: int) -> tuple[list[MailboxShown], int | None]:
        """Return mailboxes behind a position, and the next position if there are more."""
        with self.service.store.workspace(self.workspace_id) as connection:
            rows = queries.page(connection, after, limit + 1)
        more = rows[limit - 1].id if len(rows) > limit else None
        return self.show_all(rows[:limit]), more

    def show(self, mailbox: str) -> MailboxShown:
        """Return a mailbox.

        Raises:
            NotThere: The workspace has none of this id.
        """
        shown = self.show_all([self.find(mailbox)])
        if not shown:
            raise NotThere
        return shown[0]

    def find(self, mailbox: str) -> AnyRow:
        """Return a mailbox's row.

        Raises:
            NotThere: The workspace has none of this id.
        """
        try:
            id_ = row_id(mailbox)
        except UnknownId:
            raise NotThere from None
        with self.service.store.workspace(self.workspace_id) as connection:
            row = queries.find(connection, id_)
        if row is None:
            raise NotThere
        return row

    def show_all(self, rows: Sequence[AnyRow]) -> list[MailboxShown]:
        """Return rows as mailboxes, by as many statements for many as for one."""
        workspace, ids = self.workspace_id, [row.id for row in rows]
        with self.service.store.workspace(workspace) as connection:
            progress = states.progress(connection, ids)
        keys = self.service.vault.mailbox_keys(workspace, ids)
        return [
            MailboxShown(
                id=row.id,
                provider=row.provider,
                card=open_mailbox(keys[row.id], workspace, row.id, row.sealed)
                if row.id in keys and row.state != State.DISCONNECTING
                else None,
                state=shown_state(row),
                paused=row.paused,
                visibility=row.visibility,
                since=row.since,
                progress=progress[row.id],
                last_synced_at=row.last_synced_at,
                problem=row.problem,
            )
            for row in rows
            if row.id in progress
        ]

    def change(self, mailbox: str, change: MailboxChange) -> MailboxShown:
        """Pause or resume a mailbox, or change what of it is read.

        A longer past and other folders are listed from the beginning; the store ignores what
        it holds already.

        Raises:
            NotThere: The workspace has none of this id, or it is being disconnected.
        """
        row = self.find(mailbox)
        values = self.changed_values(row, change)
        lists_again = "since" in change.sets and reaches_further(change.since, row.since)
        with self.service.store.workspace(self.workspace_id) as connection:
            if lists_again or "folders" in change.sets:
                # A sync that runs would write its cursor over ours.
                leases.break_off(connection, row.id, "sync")
            if not queries.change(connection, row.id, **values):
                raise NotThere
            if lists_again:
                folder_queries.list_again(connection, row.id)
            if "paused" in change.sets and change.paused != row.paused:
                kind = "mailbox.paused" if change.paused else "mailbox.resumed"
                changes.record(connection, self.workspace_id, kind, str(row.id))
        ring_one(self.service, self.workspace_id, row.id)
        return self.show(mailbox)

    def changed_values(self, row: AnyRow, change: MailboxChange) -> dict[str, Any]:
        """Return the columns of a change."""
        values: dict[str, Any] = {
            name: getattr(change, name)
            for name in ("paused", "since", "visibility")
            if name in change.sets
        }
        if "folders" in change.sets:
            try:
                key = self.service.vault.mailbox_key(self.workspace_id, row.id)
            except Shredded:
                raise NotThere from None
            card = open_mailbox(key, self.workspace_id, row.id, row.sealed)
            card = replace(card, folders=change.folders)
            values["sealed"] = seal_mailbox(key, self.workspace_id, row.id, card)
        # An UPDATE needs a column; this one changes nothing.
        return values or {"paused": row.paused}

    def sync(self, mailbox: str) -> bool:
        """Ring for a mailbox; tell whether it may be synced now.

        Raises:
            NotThere: The workspace has none of this id.
        """
        row = self.find(mailbox)
        return ring_one(self.service, self.workspace_id, row.id)

    def parked(self, mailbox: str, after: int, limit: int) -> tuple[Sequence[AnyRow], int | None]:
        """Return a mailbox's mails that couldn't be taken in, by id only, and what is next.

        Raises:
            NotThere: The workspace has none of this id.
        """
        row = self.find(mailbox)
        with self.service.store.workspace(self.workspace_id) as connection:
            rows = pending_queries.parked(connection, row.id, after, limit + 1)
        return rows[:limit], rows[limit - 1].id if len(rows) > limit else None

    def retry_parked(self, mailbox: str) -> int:
        """Try parked mails again; return how many.

        Raises:
            NotThere: The workspace has none of this id.
        """
        row = self.find(mailbox)
        with self.service.store.workspace(self.workspace_id) as connection:
            count = pending_queries.unpark(connection, row.id)
        self.service.doorbell.fetch(row.id)
        return count

    def disconnect(self, mailbox: str, instruction: Instruction) -> int:
        """Order a mailbox's erasure; from here on nothing of it can be read.

        Raises:
            NotThere: The workspace has none of this id.
        """
        row = self.find(mailbox)
        order = self.service.orders.mailbox(self.workspace_id, row.id, instruction)
        self.service.doorbell.purge(order)
        # Its address isn't the workspace's own any more: a lead may have it.
        consequences = Consequences(self.service, self.workspace_id, self.by)
        settle_held(consequences, [row.address_hash], "a mailbox was disconnected")
        return order

    def revoke(
        self, user: str | None, provider: str | None, instruction: Instruction
    ) -> list[tuple[int, int]]:
        """Disconnect all mailboxes of a user, of a provider, or all there are.

        Return pairs of mailbox and erasure.
        """
        index = self.service.vault.workspace(self.workspace_id).index
        user_hash = None if user is None else index.hash("user", user)
        with self.service.store.workspace(self.workspace_id) as connection:
            ids = queries.ids_matching(connection, user_hash, provider)
        return [(id_, self.disconnect(str(id_), instruction)) for id_ in ids]


def shown_state(row: AnyRow) -> State:
    """Return the state that people see: a pause covers everything but a disconnection."""
    state = State(row.state)
    return State.PAUSED if row.paused and state is not State.DISCONNECTING else state


def reaches_further(since: datetime | None, before: datetime | None) -> bool:
    """Tell whether a start of reading lies before another; None is the beginning of time."""
    return before is not None and (since is None or since < before)
