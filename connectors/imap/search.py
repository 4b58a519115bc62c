"""The server's own search for addresses, in commands short enough for any server."""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import idna

from connectors.errors import Misbehaved, Throttled, Unreachable
from connectors.imap.grammar import quoted, search_date
from connectors.imap.refusals import During, reaction
from connectors.imap.session import Asked, Session
from connectors.imap.uids import Uids, read_numbers, read_set, union
from connectors.imap.wire import Response
from mail.address import Address

_MOST_OCTETS = 8000
"""A server may refuse lines above 8,192 octets (RFC 7162 4); tag and command are part of one."""

_AHEAD = 4
_FIELDS = (b"FROM", b"TO", b"CC", b"BCC", b"HEADER REPLY-TO")
_SEARCHED = re.compile(rb"\* SEARCH\b([ \d]*)(?:\(MODSEQ \d+\))?\s*\r\n", re.IGNORECASE)
_ESEARCHED = re.compile(
    rb"\* ESEARCH\b(?: \(TAG \"[^\"]*\"\))?(?: UID)?(.*)\r\n", re.IGNORECASE | re.DOTALL
)
_ALL = re.compile(rb" ALL ([\d:,]+)", re.IGNORECASE)
_ASCII_RUN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_NEW_ARRIVALS = 10_000


def ask_search(session: Session, criteria: bytes) -> Asked:
    """Ask for the UIDs of messages; as ranges where the server can (RFC 4731)."""
    compact = b"RETURN (ALL) " if session.offers(b"ESEARCH") else b""
    return session.ask(b"UID SEARCH " + compact + criteria)


def found_in(lines: Iterable[Response], exists: int) -> tuple[Uids[int], int]:
    """Return the UIDs that searches found, ascending, and how many searches answered.

    `exists` bounds what a lying server can make us count. A search that said OK and nothing
    else has found nothing that may be believed.

    Raises:
        Misbehaved: More was found than there is.
    """
    found: list[Uids[int]] = []
    for pieces in lines:
        if plain := _SEARCHED.match(pieces[0]):
            found.append(read_numbers(pieces[0], *plain.span(1)))
        elif compact := _ESEARCHED.match(pieces[0]):
            ids = _ALL.search(pieces[0], *compact.span(1))
            span = (0, 0) if ids is None else ids.span(1)
            found.append(read_set(pieces[0], *span, exists + _NEW_ARRIVALS))
    return union(found), len(found)


def find_addresses(
    session: Session, addresses: Collection[Address], since: bytes, exists: int
) -> Iterator[Uids[int]]:
    """Yield, search by search, the UIDs of messages that name any of the addresses.

    A search that the server finds too long is cut in two.

    Raises:
        Misbehaved: It refuses even the search for one address.
    """
    waiting = deque(
        chunks(sorted({needle for each in addresses for needle in needles(each)}), since)
    )
    asked: deque[tuple[list[bytes], Asked]] = deque()
    # Several searches are under way at once, so answers are counted, not told apart.
    open_answers = 0
    while waiting or asked:
        while waiting and len(asked) < _AHEAD:
            chunk = waiting.popleft()
            asked.append((chunk, ask_search(session, since + any_of(chunk))))
        chunk, sent = asked.popleft()
        lines, (refused,) = session.gather(sent)
        found, answers = found_in(lines, exists)
        open_answers += (1 if refused is None else 0) - answers
        if refused is not None:
            meant = reaction(refused, During.COMMAND)
            if isinstance(meant, Throttled | Unreachable) or len(chunk) == 1:
                raise meant
            half = len(chunk) // 2
            waiting.extendleft((chunk[half:], chunk[:half]))
        if not asked and open_answers > 0:
            raise Misbehaved("a search without an answer")
        yield found


def since_criteria(since: datetime | None) -> bytes:
    """Write the earliest day; one before the given, for SINCE knows no time and no zone."""
    if since is None:
        return b""
    return (
        b"SINCE "
        + search_date(since.date().fromordinal(max(1, since.date().toordinal() - 1)))
        + b" "
    )


def needles(address: Address) -> set[bytes]:
    """Return what to search for so that the address is found: SEARCH looks for substrings.

    Beyond ASCII the longest ASCII part is enough to find a superset without literals or
    charsets; a domain is looked for in both its forms (RFC 5890).
    """
    local, _, domain = str(address).rpartition("@")
    spellings = [str(address)]
    with contextlib.suppress(idna.IDNAError, UnicodeError):
        spellings.append(f"{local}@{idna.decode(domain)}")
    runs = (max(_ASCII_RUN.findall(each), key=len) for each in spellings)
    return {quoted(run.encode("ascii")) for run in runs}


def chunks(words: list[bytes], since: bytes) -> Iterator[list[bytes]]:
    """Cut the words so that each search stays below the line that every server takes."""
    chunk: list[bytes] = []
    octets = len(since)
    for word in words:
        cost = len(_one(word)) + len(b"OR ")
        if chunk and octets + cost > _MOST_OCTETS:
            yield chunk
            chunk, octets = [], len(since)
        chunk.append(word)
        octets += cost
    if chunk:
        yield chunk


def any_of(words: list[bytes]) -> bytes:
    """Write a search for any of the words in any address field, as a balanced tree of ORs.

    A chain would nest as deep as it is long, and servers limit the depth.
    """
    return _either([_one(word) for word in words])


def _one(word: bytes) -> bytes:
    return _either([field + b" " + word for field in _FIELDS])


def _either(keys: list[bytes]) -> bytes:
    if len(keys) == 1:
        return keys[0]
    half = len(keys) // 2
    return b"OR " + _either(keys[:half]) + b" " + _either(keys[half:])
