"""How IMAP writes things: strings, sets of ids, dates and responses (RFC 9051 9)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from connectors.errors import Misbehaved
from connectors.imap.wire import Response

Value = bytes | None | list["Value"]
"""A parsed value: an atom or string, NIL, or a list."""

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a date the server wrote in a way nobody can read."""

_DEEPEST = 50
_TOKEN = re.compile(
    rb' *(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\\r\n]|\\.)*)"'
    rb"|(?P<literal>~?\{\d+\+?\}\r\n\Z)"
    rb'|(?P<atom>[^ ()"\r\n\[]+(?:\[[^\]]*\](?:<\d+>)?)?|\[[^\]]*\])'
    rb"|(?P<end>\r\n\Z))"
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_MONTH_NAMES = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_MONTHS = {name.lower(): index for index, name in enumerate(_MONTH_NAMES, start=1)}
_DATE = re.compile(rb" ?(\d{1,2})-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\Z")


def values(pieces: Response, start: int = 0) -> list[Value]:
    """Parse a response from byte `start` of its first line.

    Raises:
        Misbehaved: It isn't IMAP.
    """
    stack: list[list[Value]] = [[]]
    for index in range(0, len(pieces), 2):
        line, at = pieces[index], start if index == 0 else 0
        while at < len(line):
            token = _TOKEN.match(line, at)
            if token is None:
                raise Misbehaved("a response that cannot be read")
            at = token.end()
            if token.lastgroup == "literal":
                stack[-1].append(b"".join(pieces[index + 1 : index + 2]))
            else:
                _place(token, stack)
    if len(stack) != 1:
        raise Misbehaved("a response that cannot be read")
    return stack[0]


def _place(token: re.Match[bytes], stack: list[list[Value]]) -> None:
    """Put a token into the innermost list, or begin or end a list."""
    kind = token.lastgroup
    if kind == "atom":
        atom = token["atom"]
        stack[-1].append(None if atom.upper() == b"NIL" else atom)
    elif kind == "quoted":
        stack[-1].append(_ESCAPE.sub(rb"\1", token["quoted"]))
    elif kind == "open":
        if len(stack) > _DEEPEST:
            raise Misbehaved("a response nested too deep")
        inner: list[Value] = []
        stack[-1].append(inner)
        stack.append(inner)
    elif kind == "close":
        stack.pop()
        if not stack:
            raise Misbehaved("a response that cannot be read")


def quoted(text: bytes) -> bytes:
    r"""Write a quoted string.

    Raises:
        ValueError: It holds CR, LF or NUL, with which it would become another command.
    """
    if re.search(rb"[\r\n\0]", text):
        raise ValueError("a line break or NUL in an IMAP argument")
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def id_set(ids: Iterable[int]) -> bytes:
    """Write ids as the shortest sequence set, ascending: 1:5,7."""
    return b",".join(_span_text(low, high) for low, high in _as_spans(ids))


def id_sets(ids: Iterable[int], most_octets: int = 4000) -> Iterator[tuple[bytes, list[int]]]:
    """Cut ids into sets of at most `most_octets`, in ascending order, with the ids of each."""
    texts: list[bytes] = []
    held: list[int] = []
    octets = 0
    for low, high in _as_spans(ids):
        text = _span_text(low, high)
        if texts and octets + len(text) + 1 > most_octets:
            yield b",".join(texts), held
            texts, held, octets = [], [], 0
        texts.append(text)
        held.extend(range(low, high + 1))
        octets += len(text) + 1
    if texts:
        yield b",".join(texts), held


def _as_spans(ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    low = high = 0
    for each in sorted(set(ids)):
        if each == high + 1 and low:
            high = each
            continue
        if low:
            yield low, high
        low = high = each
    if low:
        yield low, high


def _span_text(low: int, high: int) -> bytes:
    return b"%d" % low if low == high else b"%d:%d" % (low, high)


def spans(text: bytes) -> list[tuple[int, int]]:
    """Read a sequence set into (lowest, highest) pairs.

    Raises:
        Misbehaved: It isn't one, or an id is not an unsigned 32-bit number above zero.
    """
    found = []
    for part in text.split(b","):
        ends = part.split(b":")
        if len(ends) > 2 or not all(end.isdigit() and len(end) <= 10 for end in ends):
            raise Misbehaved("a set of ids that cannot be read")
        low, high = sorted((int(ends[0]), int(ends[-1])))
        if low < 1 or high > 0xFFFFFFFF:
            raise Misbehaved("an id out of range")
        found.append((low, high))
    return found


def parse_time(text: bytes) -> datetime:
    """Return an INTERNALDATE in UTC; `UNKNOWN_TIME` when it cannot be read."""
    match = _DATE.match(text)
    if match is None:
        return UNKNOWN_TIME
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    try:
        local = datetime(
            int(year),
            _MONTHS[month.lower()],
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59),
            tzinfo=UTC,
        )
        if zone_hours == zone_minutes == b"00":
            return local
        offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
        return local + offset if sign == b"-" else local - offset
    except (ValueError, KeyError, OverflowError):
        return UNKNOWN_TIME


def search_date(day: date) -> bytes:
    """Write a date as SEARCH wants it, whatever the locale."""
    return b"%d-%s-%04d" % (day.day, _MONTH_NAMES[day.month - 1], day.year)


def number(value: object, most: int = 0xFFFFFFFF) -> int:
    """Read an unsigned number.

    Raises:
        Misbehaved: It isn't one, or larger than `most`.
    """
    if isinstance(value, bytes) and value.isdigit() and len(value) <= 20 and int(value) <= most:
        return int(value)
    raise Misbehaved("not a number, or out of range")
