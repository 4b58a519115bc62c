"""Envelopes and whole messages by reference, folder after folder, within a byte budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from connectors.base import Envelope, MessageRef, RawMessage
from connectors.errors import Misbehaved, Oversize, Unreadable
from connectors.imap.account import FetchLimits
from connectors.imap.grammar import id_set, id_sets
from connectors.imap.reading import Batch, Reader, batches, checked, select
from connectors.imap.records import (
    BODY,
    SIZE,
    Record,
    envelope_items,
    message_ref,
    read_record,
)
from connectors.imap.refusals import During, reaction
from connectors.imap.search import ask_search, found_in
from connectors.imap.session import Asked, Session

_AHEAD = 4
_BATCH_BYTES = 2**20
_BATCH_MESSAGES = 200
_SIZES = 1000


def fetch_envelopes(
    session: Session, refs: Sequence[MessageRef], limits: FetchLimits
) -> Iterator[Envelope]:
    """Yield the envelopes of those that still exist, newest first in each folder."""
    for folder, uidvalidity, uids in _by_folder(refs):
        session.begin()
        selection = select(session, folder, uidvalidity)
        items = envelope_items(session.capabilities)
        reader = Reader(
            session,
            selection,
            items,
            lambda record: record.headers is not None,
            limits.header_bytes,
        )
        for answer in reader.read(batches(uids, limits.window), _AHEAD):
            for record in answer.records:
                yield record.envelope(folder, uidvalidity)


def fetch_messages(
    session: Session, refs: Sequence[MessageRef], limits: FetchLimits
) -> Iterator[RawMessage]:
    """Yield whole messages, never more on their way than the budget; sizes are asked for first.

    Raises:
        Oversize, Unreadable: Of one message, after all others were yielded.
    """
    parked: list[Unreadable] = []
    for folder, uidvalidity, uids in _by_folder(refs):
        session.begin()
        examine = session.ask_examine(folder)
        # Travels with it; should the folder have been renumbered, the answer counts for nothing.
        early = session.ask(b"UID FETCH %s %s" % (id_set(uids[:_SIZES]), SIZE))
        selection = checked(session.examined(folder, examine), uidvalidity)
        known = _early_sizes(session, early)
        for begin in range(0, len(uids), _SIZES):
            some = uids[begin : begin + _SIZES]
            sizes = {uid: known[uid] for uid in some if uid in known}
            if len(sizes) < len(some):
                # Only a whole answer of its own says that a message is gone.
                sizes = _sizes(Reader(session, selection, SIZE, _has_size, 0), some)
            large = [uid for uid, size in sizes.items() if size > limits.message_bytes]
            parked += [Oversize(folder, message_ref(folder, uidvalidity, uid).id) for uid in large]
            batches = _weighed({uid: size for uid, size in sizes.items() if uid not in set(large)})
            # One byte more than the limit is kept, to tell a mail at the limit from one beyond.
            reader = Reader(session, selection, BODY, _has_body, limits.message_bytes + 1)
            for answer in reader.read(batches, _AHEAD * 64, limits.in_flight_bytes):
                for record in answer.records:
                    ref = message_ref(folder, uidvalidity, record.uid)
                    if record.body is None or len(record.body) > limits.message_bytes:
                        parked.append(Oversize(folder, ref.id))
                    else:
                        yield RawMessage(ref, record.body)
                answer.records.clear()
                parked += [
                    Unreadable(folder, message_ref(folder, uidvalidity, uid).id)
                    for uid in answer.refused
                ]
    if parked:
        raise parked[0]


def find_gone(session: Session, refs: Sequence[MessageRef]) -> list[MessageRef]:
    """Return those that the server no longer has.

    A search that fails says nothing of anybody.
    """
    gone: list[MessageRef] = []
    for folder, uidvalidity, uids in _by_folder(refs):
        session.begin()
        selection = select(session, folder, uidvalidity)
        asked = [ask_search(session, b"UID " + text) for text, _ in id_sets(uids)]
        lines, refusals = session.gather(*asked)
        for refused in filter(None, refusals):
            raise reaction(refused, During.COMMAND)
        found, answers = found_in(lines, selection.exists)
        if answers < len(asked):
            raise Misbehaved("a search without an answer")
        present = set(found)
        gone += [message_ref(folder, uidvalidity, uid) for uid in uids if uid not in present]
    return gone


def _by_folder(refs: Iterable[MessageRef]) -> Iterator[tuple[str, int, list[int]]]:
    """Group by folder and UIDVALIDITY, newest first in each.

    Raises:
        Misbehaved: A reference that was never made here.
    """
    groups: dict[tuple[str, int], set[int]] = {}
    for ref in refs:
        validity, _, uid = ref.id.partition(":")
        if not (validity.isdigit() and uid.isdigit()):
            raise Misbehaved("not a reference of this provider")
        groups.setdefault((ref.folder, int(validity)), set()).add(int(uid))
    for (folder, uidvalidity), uids in groups.items():
        yield folder, uidvalidity, sorted(uids, reverse=True)


def _early_sizes(session: Session, asked: Asked) -> dict[int, int]:
    lines, _ = session.gather(asked)
    records = filter(None, map(read_record, lines))
    return {record.uid: record.size for record in records if record.size is not None}


def _sizes(reader: Reader, uids: list[int]) -> dict[int, int]:
    return {
        record.uid: record.size or 0
        for answer in reader.read(batches(uids, _SIZES), _AHEAD)
        for record in answer.records
    }


def _weighed(sizes: dict[int, int]) -> Iterator[Batch]:
    """Cut into batches of about a megabyte; a larger mail goes alone."""
    uids: list[int] = []
    weight = 0
    for uid, size in sizes.items():
        if uids and (weight + size > _BATCH_BYTES or len(uids) >= _BATCH_MESSAGES):
            yield Batch(tuple(uids), weight)
            uids, weight = [], 0
        uids.append(uid)
        weight += size
    if uids:
        yield Batch(tuple(uids), weight)


def _has_size(record: Record) -> bool:
    return record.size is not None


def _has_body(record: Record) -> bool:
    return record.body is not None
