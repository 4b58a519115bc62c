"""What a folder has that its cursor doesn't cover: new mail first, then the past, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from connectors.base import ChangePage, Cursor, Envelope, Folder
from connectors.errors import CursorExpired
from connectors.imap.account import FetchLimits
from connectors.imap.cursor import Position
from connectors.imap.grammar import UNKNOWN_TIME
from connectors.imap.reading import Answer, Batch, Reader, batches, batches_from_last
from connectors.imap.records import Record, envelope_items, message_ref, read_record
from connectors.imap.refusals import During, Refused, reaction
from connectors.imap.search import ask_search, found_in, since_criteria
from connectors.imap.session import Asked, Selection, Session
from connectors.imap.uids import Uids, below, between, gaps, last, none, ordered, read_spans
from connectors.imap.wire import Response

_HIGHEST = 2**32 - 1
_AHEAD = 2
_REMOVALS_A_PAGE = 1000
_MOST_REMOVALS = 200_000
_VANISHED = re.compile(rb"\* VANISHED \(EARLIER\) ([\d:,]+)\r\n", re.IGNORECASE)


def list_changes(
    session: Session,
    folder: Folder,
    cursor: Cursor | None,
    since: datetime | None,
    limits: FetchLimits,
) -> Iterator[ChangePage]:
    """Yield the pages of `Connector.changes`; at least one, so that there is a cursor to keep."""
    listing = _Listing(session, folder.key, since, limits)
    try:
        known = Position.read(cursor).reaching(since) if cursor is not None else None
        is_expired = False
    except CursorExpired:
        known, is_expired = None, True
    if known is not None:
        try:
            yield from listing.go_on(known)
        except CursorExpired:
            is_expired = True
        else:
            return
    yield from listing.begin(is_expired=is_expired)


def pin_folder(session: Session, folder: Folder) -> Cursor:
    """Return the cursor of `Connector.pin`."""
    return _Listing(session, folder.key, None, FetchLimits()).pin()


class _Listing:
    """One pass over one folder."""

    def __init__(
        self, session: Session, folder: str, since: datetime | None, limits: FetchLimits
    ) -> None:
        self._session = session
        self._folder = folder
        self._since = None if since is None else since.replace(microsecond=0)
        self._window = limits.window
        self._keep = limits.header_bytes
        self._items = envelope_items(session.capabilities)
        self._has_qresync = session.has_qresync

    def begin(self, *, is_expired: bool) -> Iterator[ChangePage]:
        """List the whole folder, up to where it ended when it was opened."""
        self._session.begin()
        asked = self._session.ask_examine(self._folder)
        listed = self._ask_uids(1, _HIGHEST)
        selection = self._session.examined(self._folder, asked)
        uids = self._uids(listed, 1, _HIGHEST, selection)
        if self._since is None and len(uids) < selection.exists:
            # Some servers' SEARCH forgets messages; FETCH can't.
            uids = self._fetched_uids(1, _HIGHEST)
        top = selection.uidnext - 1 if selection.uidnext else last(uids)
        modseq = selection.highestmodseq if self._has_qresync else 0
        position = Position(selection.uidvalidity, top, top + 1, self._since, modseq)
        uids = below(uids, top + 1)
        yield from self._past(selection, position, uids, is_expired=is_expired)

    def pin(self) -> Cursor:
        """Return the position at the folder's end, with nothing left to do below."""
        self._session.begin()
        selection = self._session.examined(self._folder, self._session.ask_examine(self._folder))
        top = selection.uidnext - 1
        if top < 0:
            top = last(self._fetched_uids(1, _HIGHEST))
        return self._told(Position(selection.uidvalidity, top, 1, None, 0), selection).text()

    def go_on(self, known: Position) -> Iterator[ChangePage]:
        """Say what vanished and what is new, then go on with the past.

        Raises:
            CursorExpired: Before anything was yielded.
        """
        self._session.begin()
        asked = self._session.ask_examine(self._folder)
        first = Batch(tuple(range(known.top + 1, min(known.top + self._window, _HIGHEST) + 1)))
        newest = self._ask_newest(first)
        vanished = self._ask_vanished(known)
        listed = self._ask_uids(1, known.low - 1)
        selection = self._session.examined(self._folder, asked)
        # An end that moved backwards is a restored or broken server: its ids mean nothing.
        if selection.uidvalidity != known.uidvalidity or 0 < selection.uidnext <= known.top:
            raise CursorExpired("the folder was renumbered")
        lines, refusals = self._session.gather(newest, vanished, listed, keep=self._keep)
        answer = None if refusals[0] else Answer(first, self._newest(lines, first), is_guess=True)
        told = None if refusals[1] else self._told_by(lines, known, selection)
        found, answers = found_in(lines, selection.exists)
        past = below(found, known.low)
        if known.low > 1 and (refusals[2] or not answers):
            past = self._fetched_uids(1, known.low - 1)
        removed = self._removed(told, known)

        position = known
        for begin in range(0, len(removed), _REMOVALS_A_PAGE):
            refs = tuple(
                message_ref(self._folder, known.uidvalidity, uid)
                for uid in removed[begin : begin + _REMOVALS_A_PAGE]
            )
            if begin + _REMOVALS_A_PAGE >= len(removed):
                position = self._told(position, selection)
            yield ChangePage(
                position.text(),
                removed=refs,
                live=True,
                remaining=len(past),
            )
        position = self._told(position, selection)
        for page, reached in self._new(selection, position, answer):
            position = reached
            yield replace(page, remaining=len(past))
        yield from self._past(selection, position, past, is_expired=False)

    def _new(
        self, selection: Selection, position: Position, first: Answer | None
    ) -> Iterator[tuple[ChangePage, Position]]:
        """Yield pages of what came after the position, oldest first, each with where it leads."""
        end = selection.uidnext - 1
        if end < 0:
            end = last(self._fetched_uids(position.top + 1, _HIGHEST)) or position.top
        if first is not None and position.top < end:
            reached = min(end, first.batch.uids[-1])
            first.records[:] = [record for record in first.records if record.uid <= reached]
            position = replace(position, top=reached)
            yield self._page(position, first, selection, is_live=True), position
        if position.top < end:
            listed = self._ask_uids(position.top + 1, end)
            uids = self._uids(listed, position.top + 1, end, selection)
            for answer in self._reader(selection).read(batches(uids, self._window), _AHEAD):
                is_last = answer.batch.uids[-1] == uids[-1]
                position = replace(position, top=end if is_last else answer.batch.uids[-1])
                yield self._page(position, answer, selection, is_live=True), position
            if position.top < end:
                position = replace(position, top=end)
                yield ChangePage(position.text(), live=True), position

    def _past(
        self, selection: Selection, position: Position, uids: Uids[int], *, is_expired: bool
    ) -> Iterator[ChangePage]:
        """Yield the past from its newest message on, and always one page."""
        left = len(uids)
        for answer in self._reader(selection).read(batches_from_last(uids, self._window), _AHEAD):
            left -= len(answer.batch.uids)
            position = replace(position, low=min(answer.batch.uids) if left else 1)
            page = self._page(position, answer, selection, is_live=False)
            yield replace(page, expired=is_expired, remaining=left)
            is_expired = False
        if not uids:
            position = replace(position, low=1)
            yield ChangePage(position.text(), expired=is_expired)

    def _page(
        self, position: Position, answer: Answer, selection: Selection, *, is_live: bool
    ) -> ChangePage:
        envelopes: list[Envelope] = [
            record.envelope(self._folder, selection.uidvalidity)
            for record in answer.records
            if self._since is None
            or record.received_at >= self._since
            or record.received_at == UNKNOWN_TIME
        ]
        # A message that the server counted and didn't describe is not just dropped.
        held = {record.uid for record in answer.records}
        unseen = [] if is_live and answer.is_guess else answer.batch.uids
        refs = (
            message_ref(self._folder, selection.uidvalidity, uid)
            for uid in unseen
            if uid not in held
        )
        return ChangePage(
            position.text(),
            envelopes=tuple(sorted(envelopes, key=_uid_of, reverse=not is_live)),
            refs=tuple(refs),
            live=is_live,
        )

    def _told(self, position: Position, selection: Selection) -> Position:
        return replace(position, modseq=selection.highestmodseq if self._has_qresync else 0)

    def _reader(self, selection: Selection) -> Reader:
        return Reader(self._session, selection, self._items, _has_headers, self._keep)

    def _ask_newest(self, first: Batch) -> Asked | None:
        """Ask for what may have come without waiting to hear whether anything has."""
        if not first.uids:
            return None
        span = b"%d:%d" % (first.uids[0], first.uids[-1])
        return self._session.ask(b"UID FETCH %s %s" % (span, self._items))

    def _newest(self, lines: list[Response], first: Batch) -> list[Record]:
        records = {record.uid: record for record in map(read_record, lines) if record}
        return [records[uid] for uid in first.uids if uid in records and _has_headers(records[uid])]

    def _ask_vanished(self, known: Position) -> Asked | None:
        if not (self._has_qresync and known.modseq and known.top):
            return None
        return self._session.ask(
            b"UID FETCH 1:%d (UID) (CHANGEDSINCE %d VANISHED)" % (known.top, known.modseq)
        )

    def _removed(self, told: list[tuple[int, int]] | None, known: Position) -> list[int]:
        """Return the UIDs that vanished; more than those that were held, if in doubt."""
        if not (self._has_qresync and known.top):
            return []
        if told is None:
            # What is there is known, so whatever else there may have been is gone.
            present = self._fetched_uids(1, known.top)
            if known.top - len(present) > _MOST_REMOVALS:
                raise CursorExpired("more ids are free than can be named")
            return list(gaps(present, known.top))
        return sorted({uid for low, high in told for uid in range(low, high + 1)})

    def _told_by(
        self, lines: list[Response], known: Position, selection: Selection
    ) -> list[tuple[int, int]] | None:
        """Read what the server's own record says (RFC 7162 3.2.6); None if it is of no use."""
        # A count that went down was begun anew; what lay between is unknown.
        if not known.modseq or selection.highestmodseq < known.modseq:
            return None
        told, count = [], 0
        for pieces in lines:
            if vanished := _VANISHED.match(pieces[0]):
                for low, high in read_spans(pieces[0], *vanished.span(1)):
                    told.append((low, min(high, known.top)))
                    count += high - low + 1
                    if count > _MOST_REMOVALS:
                        return None
        return told

    def _ask_uids(self, low: int, high: int) -> Asked | None:
        if low > high:
            return None
        # SINCE compares days without time and zone, so a day more is asked for.
        return ask_search(self._session, since_criteria(self._since) + b"UID " + _span(low, high))

    def _uids(self, asked: Asked | None, low: int, high: int, selection: Selection) -> Uids[int]:
        lines, (refused,) = self._session.gather(asked)
        found, answers = found_in(lines, selection.exists)
        if refused or not answers:
            return self._fetched_uids(low, high)
        return between(found, low, high)

    def _fetched_uids(self, low: int, high: int) -> Uids[int]:
        found = none()
        asked = self._session.ask(b"UID FETCH %s (UID)" % _span(low, high))
        try:
            for record in map(read_record, self._session.answers(asked)):
                if record and low <= record.uid <= high:
                    found.append(record.uid)
        except Refused as refused:
            if high == _HIGHEST and refused.status == b"NO":
                # An empty folder has no "*".
                return none()
            raise reaction(refused, During.COMMAND) from None
        return ordered(found)


def _has_headers(record: Record) -> bool:
    return record.headers is not None


def _uid_of(envelope: Envelope) -> int:
    return int(envelope.ref.id.rpartition(":")[2])


def _span(low: int, high: int) -> bytes:
    return b"%d:%s" % (low, b"*" if high == _HIGHEST else b"%d" % high)
