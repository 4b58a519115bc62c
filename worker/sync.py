"""Catching up with a mailbox: folders → changes → envelopes → plan → one transaction a page.

Every page commits what it found together with the cursor that covers it, so a kill at any
point loses nothing and repeats little. A run ends after its slice of time, and rings itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from connectors.base import ChangePage, Connector, Envelope, Found, MessageRef
from connectors.errors import CursorExpired, FolderGone
from models.base import AnyRow
from models.queries import folders as folder_queries
from models.queries import mailboxes, policies
from models.store import Fenced, PolicyChanged, Store
from privacy.removal import Removal
from privacy.vault import Index, Key
from worker.folders import FolderState, refresh
from worker.history import History
from worker.lease import Lease
from worker.moves import keep_moved
from worker.planner import plan
from worker.policy import Parties, Policies
from worker.slice import Slice
from worker.waiting import enqueue, unread

log = structlog.get_logger(__name__)
HELD_AT_ONCE = 2000
REMOVED_AT_ONCE = 500


@dataclass(slots=True)
class Run:
    """One run over a mailbox: what it works with, and when its slice ends."""

    store: Store
    policies: Policies
    index: Index
    mailbox: AnyRow
    mailbox_key: Key
    chosen: Sequence[str] | None
    connector: Connector
    lease: Lease
    history: History
    removal: Removal
    ring_import: Callable[[int], object]
    slice: Slice
    brought: int = 0
    states: list[FolderState] = field(default_factory=list)
    parties: Parties = field(init=False)

    def __post_init__(self) -> None:
        self.parties = Parties(self.index)

    def catch_up(self) -> bool:
        """Catch up with all chosen folders; True if something is left for the next run.

        Raises:
            Fenced: The mailbox is being disconnected or paused, or the lease was lost.
            connectors.errors.ConnectorError: What the provider said.
        """
        began = datetime.now(UTC)
        states = refresh(self, self.connector.folders())
        changed = [state for state in states if state.needs_listing]
        if len(changed) > 1 and not self.connector.keeps_ids:
            self.find_left(changed)
        queue = deque(changed)
        while queue:
            state = queue.popleft()
            try:
                if not self.list_some(state, others_wait=bool(queue)):
                    queue.append(state)
            except FolderGone:
                if not self.is_listed(state):
                    return True
                # It is there but can't be opened, as others' shared folders are: go on.
                log.warning("folder_closed", mailbox_id=self.mailbox.id, folder_id=state.id)
                states.remove(state)
            # Looked at last, so that every run gets further, however slow the server.
            if queue and self.is_over():
                return True
        for state in states:
            if not self.history.search(self, state):
                return True
        self.settle(states, began)
        return False

    def find_left(self, changed: Sequence[FolderState]) -> None:
        """Learn what has left each covered folder before any looks at what is new.

        So a mail that was moved has lost its place before it is found at its new one, and
        isn't downloaded again (F5).
        """
        for state in changed:
            if state.cursor is None or state.remaining != 0:
                continue
            try:
                if not self.connector.reports_removals:
                    self.find_removed(state)
                    continue
                pages = self.connector.changes(state.folder, state.cursor, self.mailbox.since)
                for page in pages:
                    if page.expired or not page.removed:
                        break
                    self.take_in(state, page)
            except (CursorExpired, FolderGone):
                # The listing meets it again, and knows what to do.
                continue

    def is_listed(self, state: FolderState) -> bool:
        """Tell whether the provider still lists a folder."""
        return any(folder.key == state.folder.key for folder in self.connector.folders())

    def is_over(self) -> bool:
        """Tell whether the slice of time is used up."""
        return self.slice.is_over()

    def list_some(self, state: FolderState, *, others_wait: bool) -> bool:
        """Take in pages of a folder until its end, or one of its past if others wait too.

        New mail comes before the past, so that it flows while a long past is listed. Return
        whether the folder is covered.
        """
        if state.remaining is None and self.is_better_searched(state):
            self.history.search_instead(self, state)
            return True
        settled = True
        for page in self.connector.changes(state.folder, state.cursor, self.mailbox.since):
            if page.expired and self.connector.searches_first:
                self.history.search_instead(self, state, forgets=True)
                break
            self.take_in(state, page)
            settled = settled and page.settled
            if page.live:
                continue
            if others_wait or self.is_over():
                break
        else:
            state.remaining = 0
        if state.remaining:
            return False
        self.find_removed(state)
        self.mark_covered(state, settled=settled)
        return True

    def is_better_searched(self, state: FolderState) -> bool:
        """Tell whether the server finds the leads' mail in this past cheaper than a listing."""
        if self.connector.lists_at_first:
            return False
        addresses = self.history.count_addresses(self)
        return self.history.is_better_searched(self, state, addresses)

    def take_in(self, state: FolderState, page: ChangePage) -> None:
        """Commit a page: what waits to be fetched, what is gone, and the cursor."""
        if page.removed:
            there = keep_moved(self, page.removed)
            page = replace(page, removed=tuple(ref for ref in page.removed if ref not in there))
        envelopes, found = [*page.envelopes], list[Found]()
        if self.connector.searches_first:
            found = self.history.among(self, state, page.refs)
        elif page.refs:
            envelopes += self.connector.envelopes(page.refs)
        examined = len(envelopes) + len(found)

        def write(connection: Connection, now: datetime) -> None:
            if page.expired:
                folder_queries.forget_all_refs(connection, state.id, now)
            if page.removed:
                gone = [ref.id for ref in page.removed]
                folder_queries.forget_refs(connection, state.id, gone, now)
            progress: dict[str, Any] = {"cursor": page.cursor, "remaining": page.remaining}
            if state.cursor is None or page.expired:
                progress["searched_version"] = state.version
            folder_queries.change(
                connection, state.id, examined=state.examined + examined, **progress
            )

        begins_anew = state.cursor is None or page.expired
        self.decide_and_write(state, envelopes, found, live=page.live, write=write)
        if begins_anew:
            state.searched_version = state.version
        state.cursor, state.remaining = page.cursor, page.remaining
        state.examined += examined

    def decide_and_write(
        self,
        state: FolderState,
        envelopes: Sequence[Envelope],
        found: Sequence[Found] = (),
        *,
        live: bool,
        write: Callable[[Connection, datetime], None],
    ) -> None:
        """Decide which envelopes are fetched and write that, under the policy in force.

        What was `found` by a search alone is decided on when it has been fetched. If the
        policy changes between the decision and the transaction, it is decided again.

        Raises:
            Fenced: The mailbox or the lease is lost.
        """
        workspace = self.mailbox.workspace_id
        while True:
            state.version, policy = self.policies.current(workspace)
            fetch = [*plan(envelopes, policy, self.parties).fetch, *map(unread, found)]
            try:
                with self.store.workspace(workspace) as connection:
                    self.hold(connection, state.version)
                    write(connection, datetime.now(UTC))
                    waits = enqueue(
                        connection, self.index, self.mailbox, state.id, fetch, live=live
                    )
                break
            except PolicyChanged:
                continue
        if waits:
            self.brought += waits
            self.ring_import(self.mailbox.id)

    def hold(self, connection: Connection, version: int | None = None) -> None:
        """Hold lease, mailbox and policy until commit.

        Raises:
            Fenced, PolicyChanged: One of them isn't what this run began with.
        """
        self.lease.hold(connection)
        if not mailboxes.hold_live(connection, self.mailbox.id, self.mailbox.generation):
            raise Fenced
        if version is not None:
            now = policies.version(connection, self.mailbox.workspace_id, hold=True)
            if now != version:
                raise PolicyChanged

    def find_removed(self, state: FolderState) -> None:
        """Ask which of the held mails are gone, where the listing doesn't say."""
        if self.connector.reports_removals or state.removals_known:
            return
        after = ""
        while True:
            with self.store.workspace(self.mailbox.workspace_id) as connection:
                refs = folder_queries.held_refs(connection, state.id, after, HELD_AT_ONCE)
            if not refs:
                state.removals_known = True
                return
            gone = self.connector.gone([MessageRef(state.folder.key, ref) for ref in refs])
            if gone:
                with self.store.workspace(self.mailbox.workspace_id) as connection:
                    self.hold(connection)
                    folder_queries.forget_refs(
                        connection, state.id, [ref.id for ref in gone], datetime.now(UTC)
                    )
            after = refs[-1]

    def mark_covered(self, state: FolderState, *, settled: bool) -> None:
        """Remember the folder's mark, so that an unchanged and settled one isn't asked again."""
        with self.store.workspace(self.mailbox.workspace_id) as connection:
            self.hold(connection)
            folder_queries.change(
                connection,
                state.id,
                mark=state.folder.mark if settled else None,
                remaining=0,
                checked_at=datetime.now(UTC),
            )

    def settle(self, states: Iterable[FolderState], began: datetime) -> None:
        """After a whole round: remove what a whole round found nowhere, and say so."""
        while True:
            with self.store.workspace(self.mailbox.workspace_id) as connection:
                self.hold(connection)
                lost = folder_queries.unplaced(connection, self.mailbox.id, began, REMOVED_AT_ONCE)
            if not lost:
                break
            self.removal.mirror(self.mailbox.workspace_id, lost, self.hold)
        with self.store.workspace(self.mailbox.workspace_id) as connection:
            if folder_queries.has_unplaced(connection, self.mailbox.id):
                mailboxes.ring(connection, [self.mailbox.id])
        log.info("mailbox_covered", mailbox_id=self.mailbox.id, folders=len(list(states)))
