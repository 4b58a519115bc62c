"""Very many UIDs in little memory: four bytes each, where a set takes a hundred."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import compress, pairwise

from connectors.errors import Misbehaved
from connectors.imap.grammar import spans

Uids = array  # of "I": unsigned, of at least 32 bits
_KIND = "I"
_SORTED_AT_ONCE = 100_000
_GATHERED_AT_ONCE = 500_000
_MARKS = 16 * 2**20
"""UIDs that lie no further apart are ordered by a byte for each that may be among them."""
_PIECE_OCTETS = 64 * 1024


def none() -> Uids[int]:
    """Return no UIDs."""
    return array(_KIND)


def ordered(uids: Uids[int]) -> Uids[int]:
    """Return the UIDs ascending, each once."""
    if all(low < high for low, high in pairwise(uids)):
        return uids
    low, high = min(uids), max(uids)
    if high - low < _MARKS:
        marks = bytearray(high - low + 1)
        for uid in uids:
            marks[uid - low] = 1
        return array(_KIND, compress(range(low, high + 1), marks))
    runs = [
        array(_KIND, sorted(set(uids[begin : begin + _SORTED_AT_ONCE])))
        for begin in range(0, len(uids), _SORTED_AT_ONCE)
    ]
    if len(runs) == 1:
        return runs[0]
    found, last = none(), 0
    for uid in merge(*runs):
        if uid != last:
            found.append(uid)
            last = uid
    return found


def union(several: Iterable[Uids[int]]) -> Uids[int]:
    """Return the UIDs that are in any of several, ascending; what repeats is soon let go."""
    found = none()
    room = _GATHERED_AT_ONCE
    for uids in several:
        found.extend(uids)
        if len(found) > room:
            found = ordered(found)
            room = len(found) + _GATHERED_AT_ONCE
    return ordered(found)


def below(uids: Uids[int], end: int) -> Uids[int]:
    """Return those of ascending UIDs that are lower than `end`."""
    return uids[: bisect_left(uids, end)]


def between(uids: Uids[int], low: int, high: int) -> Uids[int]:
    """Return those of ascending UIDs that are neither lower nor higher."""
    return uids[bisect_left(uids, low) : bisect_left(uids, high + 1)]


def last(uids: Uids[int]) -> int:
    """Return the highest of ascending UIDs, zero if there are none."""
    return uids[-1] if uids else 0


def newest_first(uids: Uids[int]) -> Iterator[int]:
    """Yield ascending UIDs from the last one on."""
    return (uids[at] for at in range(len(uids) - 1, -1, -1))


def gaps(uids: Uids[int], top: int) -> Iterator[int]:
    """Yield what is missing among ascending UIDs, from 1 to `top`."""
    following = 1
    for uid in uids:
        yield from range(following, min(uid, top + 1))
        following = uid + 1
    yield from range(following, top + 1)


def read_numbers(line: bytes, begin: int, end: int) -> Uids[int]:
    """Read the numbers between two places of a line, parted by spaces.

    Raises:
        Misbehaved: One is too large.
    """
    found = none()
    for text in pieces(line, begin, end, b" "):
        add_numbers(found, text.split())
    return found


def read_set(line: bytes, begin: int, end: int, most: int) -> Uids[int]:
    """Read the sequence set between two places of a line.

    Raises:
        Misbehaved: It isn't one, or names more than `most`.
    """
    found = none()
    for text in pieces(line, begin, end, b","):
        if b":" not in text:
            add_numbers(found, text.split(b","))
        else:
            for low, high in spans(text):
                if len(found) + high - low >= most:
                    raise Misbehaved("more messages found than there are")
                found.extend(range(low, high + 1))
        if len(found) > most:
            raise Misbehaved("more messages found than there are")
    return found


def add_numbers(found: Uids[int], words: list[bytes]) -> None:
    """Add ids that are written in decimal digits.

    Raises:
        Misbehaved: One isn't, or isn't an unsigned 32-bit number.
    """
    try:
        found.fromlist(list(map(int, words)))
    except (ValueError, OverflowError):
        raise Misbehaved("an id that cannot be read, or out of range") from None


def pieces(line: bytes, begin: int, end: int, separator: bytes) -> Iterator[bytes]:
    """Cut a part of a line at separators into pieces of some kilobytes."""
    while begin < end:
        cut = line.find(separator, min(begin + _PIECE_OCTETS, end), end)
        cut = end if cut < 0 else cut
        yield line[begin:cut]
        begin = cut + 1


def read_spans(line: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the (lowest, highest) pairs of the sequence set between two places of a line.

    Raises:
        Misbehaved: It isn't one.
    """
    for text in pieces(line, begin, end, b","):
        yield from spans(text)
