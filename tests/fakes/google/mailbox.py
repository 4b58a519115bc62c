"""One account's mail and everything that can happen to it."""

from __future__ import annotations

import bisect
import random
import re
from collections.abc import Iterable
from datetime import datetime

from tests.fakes.common.clock import Clock
from tests.fakes.common.heads import Heads, heads_of
from tests.fakes.common.index import Index
from tests.fakes.common.keeping import Listener
from tests.fakes.google.errors import invalid_argument, not_found
from tests.fakes.google.history import Change, History, Record
from tests.fakes.google.labels import Labels
from tests.fakes.google.stored import Stored

_REPLY = re.compile(r"^\s*((re|fwd?|aw|wg)\s*:\s*)+", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"[0-9a-f]{1,16}")


class Mailbox:
    """Messages, labels and history of one account; its callers hold the lock."""

    def __init__(self, address: str, clock: Clock) -> None:
        self.address = address
        self._clock = clock
        # Seeded by the address: a test that fails fails again with the same ids.
        self._chance = random.Random(address)
        self._by_id: dict[str, Stored] = {}
        self._threads: dict[str, list[Stored]] = {}
        self.newest_first: list[Stored] = []
        self.index: Index[Stored] = Index()
        self.labels = Labels()
        self.history = History(self._chance)
        self.on_change: Listener[Record] = Listener()

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def threads(self) -> int:
        """How many conversations there are."""
        return len(self._threads)

    def get(self, message_id: str) -> Stored:
        """Return a message.

        Raises:
            Refusal: There is none of that id, or it is no id.
        """
        if not _MESSAGE_ID.fullmatch(message_id):
            raise invalid_argument("Invalid id value")
        if message_id not in self._by_id:
            raise not_found()
        return self._by_id[message_id]

    def add(
        self, raw: bytes, labels: Iterable[str], at: datetime, thread: str | None = None
    ) -> Stored:
        """Let a mail come in, and remember it as a change."""
        stored = self._store(raw, labels, at, thread)
        bisect.insort(self.newest_first, stored, key=_order)
        self._record(Change.ADDED, stored)
        return stored

    def add_old(self, mails: Iterable[tuple[bytes, Iterable[str], datetime]]) -> list[Stored]:
        """Hold mails as if they had come long ago: no history tells of them."""
        added = [self._store(*mail) for mail in mails]
        self.newest_first = sorted(self._by_id.values(), key=_order)
        self.history.begin_here()
        return added

    def delete(self, message_id: str) -> None:
        """Remove a message for good."""
        stored = self._by_id.pop(self.get(message_id).id)
        place = bisect.bisect_left(self.newest_first, stored.order, key=_order)
        assert self.newest_first[place] is stored
        del self.newest_first[place]
        self.index.remove(stored)
        self._threads[stored.thread].remove(stored)
        if not self._threads[stored.thread]:
            del self._threads[stored.thread]
        self._record(Change.DELETED, stored)

    def relabel(self, message_id: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Put labels on a message and take others off; what is already so is no change."""
        stored = self.get(message_id)
        self._check_labels(add)
        added = sorted(set(add) - stored.labels)
        removed = sorted(set(remove) & stored.labels)
        stored.labels |= set(added)
        if added:
            self._record(Change.LABELED, stored, added)
        stored.labels -= set(removed)
        if removed:
            self._record(Change.UNLABELED, stored, removed)

    def remove_label(self, label_id: str) -> None:
        """Remove a user's label from the mailbox and from all messages."""
        for stored in [each for each in self.newest_first if label_id in each.labels]:
            self.relabel(stored.id, remove=[label_id])
        self.labels.remove(label_id)

    def _check_labels(self, labels: Iterable[str]) -> None:
        if unknown := [label for label in labels if label not in self.labels]:
            raise invalid_argument(f"Invalid label: {unknown[0]}")

    def _store(
        self, raw: bytes, labels: Iterable[str], at: datetime, thread: str | None = None
    ) -> Stored:
        labels = set(labels)
        self._check_labels(labels)
        heads = heads_of(raw)
        milliseconds = int(at.timestamp() * 1000)
        own_id = self._new_id(milliseconds)
        thread = thread or self._thread_of(heads) or own_id
        stored = Stored(own_id, thread, raw, milliseconds, labels, self.history.next_id(), heads)
        self._by_id[stored.id] = stored
        self._threads.setdefault(thread, []).append(stored)
        self.index.add(stored)
        return stored

    def _new_id(self, milliseconds: int) -> str:
        while True:
            number = (max(milliseconds, 0) << 20) + self._chance.getrandbits(20)
            made = f"{number % 2**64:016x}"
            if made not in self._by_id:
                return made

    def _thread_of(self, heads: Heads) -> str | None:
        # A reply joins what it answers, if the subject is still the same (discovery, threadId).
        for reference in reversed(heads.references):
            for stored in self.index.message_id(reference):
                if _subject(stored.heads) == _subject(heads):
                    return stored.thread
        return None

    def _record(self, change: Change, stored: Stored, changed: Iterable[str] = ()) -> None:
        stored.history_id = self.history.next_id()
        labels = tuple(sorted(stored.labels))
        record = Record(
            *(stored.history_id, change, stored.id, stored.thread, labels, tuple(changed)),
            at=self._clock.now(),
        )
        self.history.add(record)
        self.on_change(record)


def _order(stored: Stored) -> tuple[int, int]:
    return stored.order


def _subject(heads: Heads) -> str:
    return " ".join(_REPLY.sub("", heads.subject).casefold().split())
