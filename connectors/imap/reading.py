"""Reading messages in batches, a few batches ahead, so that no round trip is waited for twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from connectors.errors import CursorExpired, Misbehaved, Throttled, Unreachable
from connectors.imap.grammar import id_set
from connectors.imap.records import Record, read_record
from connectors.imap.refusals import During, Refused, reaction
from connectors.imap.session import Asked, Selection, Session

_MOST_REFUSED = 25
_ROOM = 128 * 2**20
"""Bytes of answers kept for later batches; a server that sends more lies about sizes."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that are asked for together; `weight` in bytes is what they are expected to take."""

    uids: tuple[int, ...]
    weight: int = 0


@dataclass(slots=True)
class Answer:
    """What came of a batch. `refused` are there, but the server doesn't hand them out.

    A guess asked for ids that may never have been given.
    """

    batch: Batch
    records: list[Record] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    is_guess: bool = False


def batches(uids: Sequence[int], count: int) -> Iterator[Batch]:
    """Cut UIDs into batches, in their order."""
    for begin in range(0, len(uids), count):
        yield Batch(tuple(uids[begin : begin + count]))


def batches_from_last(uids: Sequence[int], count: int) -> Iterator[Batch]:
    """Cut UIDs into batches from the last one on, backwards."""
    for end in range(len(uids), 0, -count):
        yield Batch(tuple(reversed(uids[max(0, end - count) : end])))


def select(session: Session, folder: str, uidvalidity: int) -> Selection:
    """Open the folder for reading and check that its ids still mean what they did.

    Raises:
        CursorExpired: They don't.
        FolderGone: There is no such folder.
    """
    return checked(session.examined(folder, session.ask_examine(folder)), uidvalidity)


def checked(selection: Selection, uidvalidity: int) -> Selection:
    """Return the open folder if its ids still mean what they did.

    Raises:
        CursorExpired: They don't.
    """
    if selection.uidvalidity != uidvalidity:
        raise CursorExpired("the folder was renumbered")
    return selection


class Reader:
    """Reads one open folder. Others may use the session between two batches."""

    def __init__(
        self,
        session: Session,
        selection: Selection,
        items: bytes,
        is_wanted: Callable[[Record], bool],
        keep: int,
    ) -> None:
        self._session = session
        self._selection = selection
        self._items = items
        self._is_wanted = is_wanted
        self._keep = keep
        self._epoch = session.epoch
        self._asked_for: set[int] = set()
        self._pool: dict[int, Record] = {}
        self._pool_bytes = 0
        self._most_pool_bytes = 2 * keep + _ROOM

    def read(
        self, batches: Iterable[Batch], most_ahead: int, most_weight: int = 0
    ) -> Iterator[Answer]:
        """Yield the answer to each batch, in order.

        At most `most_ahead` batches are asked for and unread, and more than one only while
        they weigh at most `most_weight` bytes (zero: whatever they weigh).
        """
        source = iter(batches)
        open_ones: deque[tuple[Batch, Asked]] = deque()
        following = next(source, None)
        while open_ones or following is not None:
            if self._session.epoch != self._epoch:
                # Someone else spoke on this connection; what was asked for has been dropped.
                self._reopen()
                open_ones = deque((batch, self._ask(batch.uids)) for batch, _ in open_ones)
            while following is not None and (
                not open_ones
                or (
                    len(open_ones) < most_ahead
                    and (
                        not most_weight
                        or sum(batch.weight for batch, _ in open_ones) + following.weight
                        <= most_weight
                    )
                )
            ):
                open_ones.append((following, self._ask(following.uids)))
                following = next(source, None)
            batch, asked = open_ones.popleft()
            answer = Answer(batch)
            try:
                self._take(asked, answer)
            except Refused as refused:
                self._reopen(refused)
                self._take_apart(answer)
                open_ones = deque((batch, self._ask(batch.uids)) for batch, _ in open_ones)
            yield answer

    def _ask(self, uids: tuple[int, ...]) -> Asked:
        self._asked_for.update(uids)
        return self._session.ask(b"UID FETCH %s %s" % (id_set(uids), self._items))

    def _take(self, asked: Asked, answer: Answer) -> None:
        """Read on until the command is done; what belongs to later batches is kept for them."""
        try:
            for pieces in self._session.answers(asked, self._keep):
                record = read_record(pieces)
                # Flags of other messages may come at any time; a message may come twice.
                if record and record.uid in self._asked_for and self._is_wanted(record):
                    self._pool[record.uid] = record
                    self._pool_bytes += _weight(record)
                    if self._pool_bytes > self._most_pool_bytes:
                        self._session.close()
                        raise Misbehaved("more than was asked for")
        finally:
            self._asked_for.difference_update(answer.batch.uids)
            for uid in answer.batch.uids:
                if record := self._pool.pop(uid, None):
                    answer.records.append(record)
                    self._pool_bytes -= _weight(record)

    def _take_apart(self, answer: Answer) -> None:
        """Ask again in halves, until the messages that the server refuses stand alone."""
        held = {record.uid for record in answer.records}
        parts = [tuple(uid for uid in answer.batch.uids if uid not in held)]
        while parts:
            part = parts.pop()
            inner = Answer(Batch(part))
            try:
                if part:
                    self._take(self._ask(part), inner)
            except Refused as refused:
                _raise_if_passing(refused)
                got = {record.uid for record in inner.records}
                rest = tuple(uid for uid in part if uid not in got)
                if len(rest) == 1 and len(part) == 1:
                    answer.refused.extend(rest)
                else:
                    half = len(rest) // 2
                    parts.extend(each for each in (rest[half:], rest[:half]) if each)
                if len(answer.refused) > _MOST_REFUSED:
                    raise Misbehaved("the server refuses message after message") from None
            answer.records.extend(inner.records)

    def _reopen(self, refused: Refused | None = None) -> None:
        if refused is not None:
            _raise_if_passing(refused)
        self._epoch = self._session.begin()
        select(self._session, self._selection.folder, self._selection.uidvalidity)


def _weight(record: Record) -> int:
    return len(record.headers or b"") + len(record.body or b"")


def _raise_if_passing(refused: Refused) -> None:
    """Raise what the refusal means, unless it may mean single messages."""
    meant = reaction(refused, During.COMMAND)
    if isinstance(meant, Throttled | Unreachable) or refused.status != b"NO":
        raise meant from None
