"""The watcher: one process with one selector over thousands of mailboxes in IDLE.

It only rings. A notice that is lost is made good by the poll that stands behind every
mailbox (F10), and a watcher that dies loses its mailboxes to another by time.
"""

from __future__ import annotations

import queue
import selectors
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from random import uniform
from threading import Event
from time import monotonic

import structlog
from sqlalchemy.exc import DBAPIError

from connectors.base import FolderRole
from connectors.errors import ConnectorError
from connectors.imap.idle import IdleWatch
from models.queries import folders as folder_queries
from models.queries import mailboxes, watches
from privacy.contents import open_folder
from privacy.vault import Shredded
from worker.boot import Service
from worker.connecting import open_watch
from worker.files import raise_limit

log = structlog.get_logger(__name__)
PROVIDER = "imap"
TTL = timedelta(seconds=60)
ROUND_SECONDS = 5.0
TAKEN_A_ROUND = 200
OPENING_THREADS = 16
SELECT_SECONDS = 0.5
LASTING_SECONDS = 60.0
"""A watch that lasted so long is no failure when it ends."""
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 5.0, 600.0
WATCHED = frozenset({FolderRole.INBOX, FolderRole.SENT, FolderRole.ALL})


@dataclass(slots=True)
class Watched:
    """A mailbox that this process watches: its lease's epoch and its open watches."""

    mailbox_id: int
    workspace_id: int
    epoch: int
    failures: int = 0
    watches: list[IdleWatch] = field(default_factory=list)
    opens_at: float = 0.0
    opened_at: float = 0.0
    is_opening: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """What an opening thread brings back; no watches mean that it failed."""

    mailbox_id: int
    epoch: int
    watches: Sequence[IdleWatch]
    has_failed: bool


def run(service: Service, over: Event) -> None:
    """Watch until `over` is set, then let the mailboxes go."""
    log.info("watcher_begins", files=raise_limit())
    watcher = Watcher(service)
    try:
        while not over.is_set():
            watcher.turn()
    finally:
        watcher.close()


class Watcher:
    """Keeps watches open, waits for all of them at once, and rings."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.selector = selectors.DefaultSelector()
        self.held: dict[int, Watched] = {}
        self.opened: queue.SimpleQueue[Opened] = queue.SimpleQueue()
        self.threads = ThreadPoolExecutor(OPENING_THREADS, thread_name_prefix="opening")
        self.next_round = 0.0

    def turn(self) -> None:
        """Look at what has come, renew what is due, and once in a while take new mailboxes."""
        now = monotonic()
        if now >= self.next_round:
            self.next_round = now + ROUND_SECONDS
            self.go_round()
        changed = set(self.register_opened())
        wait = SELECT_SECONDS if self.selector.get_map() else 0.0
        if not wait:
            Event().wait(SELECT_SECONDS)
        for key, _ in self.selector.select(wait):
            changed |= self.listen(*key.data)
        changed |= self.renew_due()
        self.ring(changed)

    def go_round(self) -> None:
        """Prolong the watches, drop the lost ones, take free mailboxes, open what is closed."""
        try:
            with self.service.store.system() as connection:
                epochs = {id_: one.epoch for id_, one in self.held.items()}
                kept = watches.prolong(connection, epochs, TTL) if epochs else set()
                taken = watches.take_free(connection, PROVIDER, TTL, TAKEN_A_ROUND)
        except DBAPIError as error:
            log.warning("watcher_without_database", error=type(error).__name__)
            return
        for id_ in set(self.held) - kept:
            self.close_watches(self.held.pop(id_))
        for row in taken:
            self.held[row.mailbox_id] = Watched(row.mailbox_id, row.workspace_id, row.epoch)
        now = monotonic()
        for one in self.held.values():
            if not one.watches and not one.is_opening and now >= one.opens_at:
                one.is_opening = True
                self.threads.submit(self.open, one.mailbox_id, one.workspace_id, one.epoch)

    def open(self, mailbox_id: int, workspace_id: int, epoch: int) -> None:
        """Open the watches of a mailbox, in a thread; the result goes to the queue."""
        opened: list[IdleWatch] = []
        has_failed = False
        try:
            for watch in self.make(mailbox_id, workspace_id):
                opened.append(watch)
                if not watch.open():
                    opened.pop()
        except (ConnectorError, Shredded, DBAPIError) as error:
            log.info("watch_not_opened", mailbox_id=mailbox_id, error=type(error).__name__)
            has_failed = True
        except Exception:  # a thread's fault would be heard by nobody
            log.exception("watch_broken", mailbox_id=mailbox_id)
            has_failed = True
        if has_failed:
            for watch in opened:
                watch.close()
            opened = []
        self.opened.put(Opened(mailbox_id, epoch, opened, has_failed))

    def make(self, mailbox_id: int, workspace_id: int) -> Iterable[IdleWatch]:
        """Return unopened watches of a mailbox's inbox and sent mail."""
        with self.service.store.workspace(workspace_id) as connection:
            mailbox = mailboxes.find(connection, mailbox_id)
            rows = folder_queries.of_mailbox(connection, mailbox_id)
        if mailbox is None:
            return []
        key = self.service.vault.mailbox_key(workspace_id, mailbox_id)
        names = [
            open_folder(key, workspace_id, row.id, row.generation, row.sealed).key
            for row in rows
            if row.selected and row.role in WATCHED
        ]
        return [open_watch(self.service, mailbox, name) for name in names or ["INBOX"]]

    def register_opened(self) -> Iterable[int]:
        """Take over what the threads opened; yield mailboxes that may have changed meanwhile."""
        while True:
            try:
                opened = self.opened.get_nowait()
            except queue.Empty:
                return
            one = self.held.get(opened.mailbox_id)
            if one is None or one.epoch != opened.epoch:
                for watch in opened.watches:
                    watch.close()
                continue
            one.is_opening = False
            if opened.has_failed or not opened.watches:
                self.put_off(one)
                continue
            one.watches, one.opened_at = list(opened.watches), monotonic()
            for watch in opened.watches:
                self.selector.register(watch, selectors.EVENT_READ, (one, watch))
            # One that has ended already closes the others too.
            if any([self.listen(one, watch) for watch in opened.watches]):
                yield one.mailbox_id

    def listen(self, one: Watched, watch: IdleWatch) -> set[int]:
        """Read what has come on a watch; return its mailbox if that may have changed."""
        if watch not in one.watches:
            return set()
        try:
            return {one.mailbox_id} if watch.read_ready() else set()
        except ConnectorError:
            # Whatever ended the watch, a sync finds out what it means.
            self.close_watches(one)
            self.put_off(one)
            return {one.mailbox_id}

    def renew_due(self) -> set[int]:
        """Renew the watches whose time has come; return mailboxes whose watch has ended."""
        now, ended = monotonic(), set()
        for one in self.held.values():
            for watch in list(one.watches):
                if watch.due_at > now:
                    continue
                try:
                    watch.renew()
                except ConnectorError:
                    self.close_watches(one)
                    self.put_off(one)
                    ended.add(one.mailbox_id)
                    break
        return ended

    def ring(self, mailbox_ids: set[int]) -> None:
        """Make mailboxes due and ring for them."""
        if not mailbox_ids:
            return
        try:
            with self.service.store.system() as connection:
                due = mailboxes.ring(connection, sorted(mailbox_ids))
        except DBAPIError as error:
            log.warning("watcher_without_database", error=type(error).__name__)
            return
        self.service.doorbell.sync(due)

    def put_off(self, one: Watched) -> None:
        """Open a mailbox's watches again later, jittered, the more often it failed the later."""
        if one.opened_at and monotonic() - one.opened_at > LASTING_SECONDS:
            one.failures = 0
        wait = min(FIRST_RETRY_SECONDS * 2 ** min(one.failures, 10), LONGEST_RETRY_SECONDS)
        one.opens_at = monotonic() + wait * uniform(0.8, 1.2)  # noqa: S311  (jitter)
        one.failures += 1

    def close_watches(self, one: Watched) -> None:
        """Close a mailbox's watches."""
        for watch in one.watches:
            self.selector.unregister(watch)
            watch.close()
        one.watches = []

    def close(self) -> None:
        """Let everything go, so that another watcher takes over at once."""
        self.threads.shutdown(cancel_futures=True)
        for one in self.held.values():
            self.close_watches(one)
        try:
            with self.service.store.system() as connection:
                watches.let_go(connection, list(self.held))
        except DBAPIError as error:
            log.warning("watcher_without_database", error=type(error).__name__)
