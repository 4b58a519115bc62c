"""`$filter` and `$orderby` of messages, as far as Outlook serves them dependably."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from tests.fakes.microsoft.graph.refusals import bad_request, unserved
from tests.fakes.microsoft.graph.stored import Message

Holds = Callable[[Message], bool]

_CLAUSE = re.compile(r"([A-Za-z/]+)\s+(eq|ne|ge|gt|le|lt)\s+('(?:[^']|'')*'|[^\s']+)")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d))?")
_ORDER = re.compile(r"(\w+(?:/\w+)*)(?:\s+(asc|desc))?", re.IGNORECASE)

_TIMES: dict[str, Callable[[Message], datetime]] = {
    "receivedDateTime": lambda each: each.received,
    "sentDateTime": lambda each: each.sent,
    "lastModifiedDateTime": lambda each: each.modified,
    "createdDateTime": lambda each: each.created,
}
_TEXTS: dict[str, Callable[[Message], str]] = {
    "internetMessageId": lambda each: f"<{each.heads.message_id}>",
    "conversationId": lambda each: each.conversation,
    "subject": lambda each: each.heads.subject,
}
_FLAGS: dict[str, Callable[[Message], bool]] = {
    "isRead": lambda each: each.is_read,
    "isDraft": lambda each: each.is_draft,
    "hasAttachments": lambda each: bool(each.gist.filenames),
}


def parse(text: str) -> tuple[list[str], Holds]:
    """Return the properties that a filter names, in order, and what it lets through.

    Raises:
        Refusal: It is no filter, or one that the stand-in doesn't serve.
    """
    names: list[str] = []
    tests: list[Holds] = []
    for clause in re.split(r"\s+and\s+", text.strip()):
        match = _CLAUSE.fullmatch(clause.strip())
        if match is None:
            raise unserved(f"the filter {text}")
        names.append(match[1])
        tests.append(_test(match[1], match[2], match[3]))
    return names, lambda message: all(test(message) for test in tests)


def moment(text: str) -> datetime:
    """Return a time of a filter, whole seconds and more.

    Raises:
        Refusal: It is none.
    """
    if not _MOMENT.fullmatch(text):
        raise bad_request(f"Invalid filter clause: '{text}' is no DateTimeOffset.")
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=read.tzinfo or UTC)


def order(text: str, filtered: list[str]) -> tuple[Callable[[Message], datetime], bool]:
    """Return what `$orderby` sorts by and whether the greatest comes first.

    Raises:
        Refusal: The filter doesn't begin with what it sorts by, or it sorts by something else.
    """
    match = _ORDER.fullmatch(text.strip())
    if match is None or match[1] not in _TIMES:
        raise unserved(f"$orderby={text}")
    if filtered and filtered[0] != match[1]:
        message = "The restriction or sort order is too complex for this operation."
        raise bad_request(message, "InefficientFilter")
    return _TIMES[match[1]], (match[2] or "asc").lower() == "desc"


def _test(name: str, relation: str, value: str) -> Holds:
    if name in _TIMES:
        bound = moment(value)
        # Graph knows whole seconds, and compares what it shows.
        return lambda each: _compare(_TIMES[name](each).replace(microsecond=0), relation, bound)
    if name in _FLAGS and value in {"true", "false"} and relation in {"eq", "ne"}:
        wanted = (value == "true") is (relation == "eq")
        return lambda each: _FLAGS[name](each) is wanted
    if name in _TEXTS and relation == "eq" and value.startswith("'"):
        text = value[1:-1].replace("''", "'")
        return lambda each: _TEXTS[name](each).casefold() == text.casefold()
    raise unserved(f"the filter {name} {relation} {value}")


def _compare(left: datetime, relation: str, right: datetime) -> bool:
    match relation:
        case "eq":
            return left == right
        case "ne":
            return left != right
        case "ge":
            return left >= right
        case "gt":
            return left > right
        case "le":
            return left <= right
        case _:
            return left < right
