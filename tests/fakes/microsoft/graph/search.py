"""Finds what `$search` means, as Exchange does: words side by side, and dates by the day in UTC."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from tests.fakes.common import tree
from tests.fakes.common.heads import ADDRESS_FIELDS
from tests.fakes.common.tree import Node, Term
from tests.fakes.common.words import has_phrase, words_of
from tests.fakes.microsoft.graph.mailbox import Mailbox
from tests.fakes.microsoft.graph.refusals import unserved
from tests.fakes.microsoft.graph.stored import Message

Found = set[Message]

_DAY = timedelta(days=1)
_FIELDS = {
    **{name: (name,) for name in (*ADDRESS_FIELDS, "subject")},
    "recipients": ("to", "cc", "bcc"),
    "participants": ADDRESS_FIELDS,
}
_SIGNED = re.compile(r"(<=|>=|<>|<|>)?(.+)")


def search(mailbox: Mailbox, node: Node) -> list[Message]:
    """Return what is found, by the time it was sent, the latest first.

    Raises:
        Refusal: It has a property that the stand-in doesn't serve.
    """
    found = tree.find(node, lambda term: _term(mailbox, term), lambda: mailbox.matching(_any))
    return sorted(found, key=lambda each: (-each.sent.timestamp(), each.id))


def _any(_: Message) -> bool:
    return True


def _term(mailbox: Mailbox, term: Term) -> Found:
    if term.operator in _FIELDS:
        return _words(mailbox, _FIELDS[term.operator], term.value)
    if term.operator in _OTHERS:
        return mailbox.matching(_OTHERS[term.operator](term.value))
    if term.operator:
        raise unserved(f"the search property {term.operator}")
    words = words_of(term.value)
    bodies = mailbox.matching(lambda each: has_phrase(each.gist.body_line, words))
    return bodies | _words(mailbox, ("from", "subject"), term.value)


def _words(mailbox: Mailbox, fields: tuple[str, ...], value: str) -> Found:
    words = words_of(value)
    if not words:
        return set()
    if value.endswith("*"):
        raise unserved(f"the wildcard in {value}")
    return set().union(*(mailbox.index.phrase(field, words) for field in fields))


def _when(of: Callable[[Message], datetime]) -> Callable[[str], Callable[[Message], bool]]:
    def holds(value: str) -> Callable[[Message], bool]:
        if ".." in value:
            first, _, last = value.partition("..")
            begin, end = _span(first)[0], _span(last)[1]
            return lambda each: begin <= of(each) < end
        match = _SIGNED.fullmatch(value)
        assert match is not None
        begin, end = _span(match[2])
        match match[1]:
            case ">=":
                return lambda each: of(each) >= begin
            case ">":
                return lambda each: of(each) >= end
            case "<":
                return lambda each: of(each) < begin
            case "<=":
                return lambda each: of(each) < end
            case "<>":
                return lambda each: not begin <= of(each) < end
            case _:
                return lambda each: begin <= of(each) < end

    return holds


def _span(text: str) -> tuple[datetime, datetime]:
    """Return the day or the second that a text names: its begin and its end."""
    try:
        if match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
            day = datetime(int(match[3]), int(match[1]), int(match[2]), tzinfo=UTC)
            return day, day + _DAY
        read = datetime.fromisoformat(text)
    except ValueError:
        raise unserved(f"the date {text}") from None
    begin = read.replace(tzinfo=read.tzinfo or UTC)
    return begin, begin + (timedelta(seconds=1) if "T" in text else _DAY)


def _size(value: str) -> Callable[[Message], bool]:
    match = re.fullmatch(r"(<=|>=|<|>)?(\d+)", value)
    if match is None:
        raise unserved(f"the size {value}")
    bound, sign = int(match[2]), match[1]
    return lambda each: {
        "<": len(each.raw) < bound,
        ">": len(each.raw) > bound,
        "<=": len(each.raw) <= bound,
        ">=": len(each.raw) >= bound,
        None: len(each.raw) == bound,
    }[sign]


def _flag(of: Callable[[Message], bool]) -> Callable[[str], Callable[[Message], bool]]:
    return lambda value: lambda each: of(each) is (value.casefold() == "true")


_OTHERS: Mapping[str, Callable[[str], Callable[[Message], bool]]] = {
    "received": _when(lambda each: each.received),
    "sent": _when(lambda each: each.sent),
    "size": _size,
    "hasattachment": _flag(lambda each: bool(each.gist.filenames)),
    "hasattachments": _flag(lambda each: bool(each.gist.filenames)),
    "isread": _flag(lambda each: each.is_read),
    "kind": lambda value: lambda _: value.casefold() == "email",
}
