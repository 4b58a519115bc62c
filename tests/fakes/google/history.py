"""The log of a mailbox's changes, with ids that grow in jumps and are forgotten."""

from __future__ import annotations

import bisect
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tests.fakes.google.errors import not_found


class Change(StrEnum):
    """What can happen to a message, as `historyTypes` names it."""

    ADDED = "messageAdded"
    DELETED = "messageDeleted"
    LABELED = "labelAdded"
    UNLABELED = "labelRemoved"


_LISTED_AS = {
    Change.ADDED: "messagesAdded",
    Change.DELETED: "messagesDeleted",
    Change.LABELED: "labelsAdded",
    Change.UNLABELED: "labelsRemoved",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One change of one message, with the labels it had afterwards."""

    id: int
    change: Change
    message: str
    thread: str
    labels: tuple[str, ...]
    """All labels of the message; those it had at its end when it was deleted."""
    changed: tuple[str, ...]
    at: datetime

    def resource(self) -> dict[str, object]:
        """Return it as `history.list` shows it."""
        named: dict[str, object] = {"id": self.message, "threadId": self.thread}
        message = named | ({"labelIds": list(self.labels)} if self.labels else {})
        item: dict[str, object] = {"message": message}
        if self.change in {Change.LABELED, Change.UNLABELED}:
            item["labelIds"] = list(self.changed)
        return {"id": str(self.id), "messages": [named], _LISTED_AS[self.change]: [item]}

    def concerns(self, label: str) -> bool:
        """Say whether the message has the label, or had it until this change."""
        return label in self.labels or label in self.changed


class History:
    """Records in order; those below the floor are forgotten."""

    LASTS = timedelta(days=7)
    """How long a record is kept: "at least a week"."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._records: list[Record] = []
        self.current = chance.randrange(10_000, 1_000_000)
        self._floor = self.current

    def next_id(self) -> int:
        """Return a new id, greater than all before."""
        self.current += self._chance.randrange(1, 60)
        return self.current

    def add(self, record: Record) -> None:
        """Remember a change."""
        self._records.append(record)

    def forget_all(self) -> None:
        """Let every id that was ever given be too old, the present one too."""
        self.next_id()
        self._records.clear()
        self._floor = self.current

    def begin_here(self) -> None:
        """Forget what was, so that the present id is the oldest that is good."""
        self._records.clear()
        self._floor = self.current

    def since(self, start: int, now: datetime) -> list[Record]:
        """Return the records after an id.

        Raises:
            Refusal: The id is too old, or was never given (404 notFound).
        """
        self._forget_before(now - self.LASTS)
        if not self._floor <= start <= self.current:
            raise not_found()
        return self._records[bisect.bisect_right(self._records, start, key=_id_of) :]

    def _forget_before(self, moment: datetime) -> None:
        kept = bisect.bisect_left(self._records, moment, key=lambda record: record.at)
        if kept:
            self._floor = self._records[kept - 1].id
            del self._records[:kept]


def _id_of(record: Record) -> int:
    return record.id


def wanted(records: Iterable[Record], kinds: Iterable[str], label: str | None) -> list[Record]:
    """Return the records of these kinds, all when none is named, that concern the label."""
    named = set(kinds)
    return [
        record
        for record in records
        if (not named or record.change in named) and (label is None or record.concerns(label))
    ]
