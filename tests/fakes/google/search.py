"""Finds the mails that a search means, as Gmail does: by whole words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from tests.fakes.common import tree
from tests.fakes.common.heads import ADDRESS_FIELDS, bare_id
from tests.fakes.common.tree import All, Either, Node, Term, Without
from tests.fakes.common.words import has_phrase, words_of
from tests.fakes.google.errors import unserved
from tests.fakes.google.mailbox import Mailbox
from tests.fakes.google.stored import Stored

Found = set[Stored]

PACIFIC = timezone(timedelta(hours=-8))
"""Dates are midnight in PST (developers.google.com/workspace/gmail/api/guides/filtering)."""

_SIZE = re.compile(r"(\d+)([kKmM]?)[bB]?")
_DATE = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})|(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_AGE = re.compile(r"(\d+)([dmy])")
_DAYS = {"d": 1, "m": 30, "y": 365}
_UNITS = {"": 1, "k": 1024, "m": 1024 * 1024}

_PLACES = {
    **{name: name.upper() for name in ("inbox", "sent", "spam", "trash", "draft", "starred")},
    "drafts": "DRAFT",
    "important": "IMPORTANT",
    "chats": "CHAT",
    "chat": "CHAT",
}
_STATES = {"unread": "UNREAD", "starred": "STARRED", "important": "IMPORTANT"}


@dataclass(frozen=True, slots=True)
class Searcher:
    """A mailbox at a moment, to be searched."""

    mailbox: Mailbox
    now: datetime

    def find(self, node: Node) -> Found:
        """Return what a search means, spam and trash included.

        Raises:
            Refusal: It has an operator that the stand-in doesn't serve.
        """
        return tree.find(node, self._term, self.everything)

    def _term(self, term: Term) -> Found:
        if term.operator not in _OPERATORS:
            raise unserved(f"the search operator {term.operator}:")
        return _OPERATORS[term.operator](self, term.value)

    def everything(self) -> Found:
        """Return all mails."""
        return set(self.mailbox.newest_first)

    def where(self, holds: Callable[[Stored], bool]) -> Found:
        """Return the mails of which something is true."""
        return {stored for stored in self.mailbox.newest_first if holds(stored)}

    def labelled(self, label: str) -> Found:
        """Return the mails with a label."""
        return self.where(lambda stored: label in stored.labels)

    def address(self, operator: str, value: str) -> Found:
        """Return the mails with these words in a row in an address header."""
        if value.casefold() == "me":
            value = self.mailbox.address
        words = words_of(value)
        return self.mailbox.index.phrase(operator, words) if words else set()


def reaches_hidden(node: Node) -> bool:
    """Say whether a search names spam or trash itself, so that they are not left out."""
    match node:
        case Term("in", value):
            return value.lower() in {"spam", "trash", "anywhere"}
        case Term("label", value):
            return value.lower() in {"spam", "trash"}
        case Term() | Without():
            return False
        case All(inside) | Either(inside):
            return any(reaches_hidden(each) for each in inside)


def _bare(searcher: Searcher, value: str) -> Found:
    words = words_of(value)
    if not words:
        return searcher.everything()
    found: Found = set()
    for operator in (*ADDRESS_FIELDS, "subject"):
        found |= searcher.mailbox.index.phrase(operator, words)
    # Texts are taken apart when the first bare word is looked for, which takes a while.
    return found | searcher.where(lambda each: has_phrase(each.gist.body_line, words))


def _phrase(operator: str) -> Callable[[Searcher, str], Found]:
    def find(searcher: Searcher, value: str) -> Found:
        words = words_of(value)
        return searcher.mailbox.index.phrase(operator, words) if words else set()

    return find


def _address(operator: str) -> Callable[[Searcher, str], Found]:
    return lambda searcher, value: searcher.address(operator, value)


def _delivered_to(searcher: Searcher, value: str) -> Found:
    found = searcher.address("deliveredto", value)
    if has_phrase(f" {' '.join(words_of(searcher.mailbox.address))} ", words_of(value)):
        # What was put here without a Delivered-To came to this mailbox all the same.
        found |= searcher.where(
            lambda each: "deliveredto" not in each.heads.lines and "SENT" not in each.labels
        )
    return found


def _moment(value: str) -> datetime:
    if re.fullmatch(r"\d{5,}", value):
        return datetime.fromtimestamp(int(value), UTC)
    if not (match := _DATE.fullmatch(value)):
        raise unserved(f"the date {value}")
    year, month, day = match.group(1, 2, 3) if match[1] else match.group(6, 4, 5)
    try:
        return datetime(int(year), int(month), int(day), tzinfo=PACIFIC)
    except ValueError:
        raise unserved(f"the date {value}") from None


def _after(searcher: Searcher, value: str) -> Found:
    begin = _moment(value).timestamp() * 1000
    return searcher.where(lambda each: each.internal_ms >= begin)


def _before(searcher: Searcher, value: str) -> Found:
    end = _moment(value).timestamp() * 1000
    return searcher.where(lambda each: each.internal_ms < end)


def _ago(searcher: Searcher, value: str) -> float:
    if not (match := _AGE.fullmatch(value)):
        raise unserved(f"the age {value}")
    age = timedelta(days=int(match[1]) * _DAYS[match[2]])
    return (searcher.now - age).timestamp() * 1000


def _newer_than(searcher: Searcher, value: str) -> Found:
    begin = _ago(searcher, value)
    return searcher.where(lambda each: each.internal_ms >= begin)


def _older_than(searcher: Searcher, value: str) -> Found:
    end = _ago(searcher, value)
    return searcher.where(lambda each: each.internal_ms < end)


def _bytes(value: str) -> int:
    if not (match := _SIZE.fullmatch(value)):
        raise unserved(f"the size {value}")
    return int(match[1]) * _UNITS[match[2].lower()]


def _larger(searcher: Searcher, value: str) -> Found:
    size = _bytes(value)
    return searcher.where(lambda each: len(each.raw) >= size)


def _smaller(searcher: Searcher, value: str) -> Found:
    size = _bytes(value)
    return searcher.where(lambda each: len(each.raw) < size)


def _in(searcher: Searcher, value: str) -> Found:
    place = value.lower()
    if place == "anywhere":
        return searcher.everything()
    if place == "archive":
        away = {"INBOX", "SENT", "DRAFT", "SPAM", "TRASH"}
        return searcher.where(lambda each: not away & each.labels)
    if place in _PLACES:
        return searcher.labelled(_PLACES[place])
    return _label(searcher, value)


def _is(searcher: Searcher, value: str) -> Found:
    state = value.lower()
    if state == "read":
        return searcher.where(lambda each: "UNREAD" not in each.labels)
    if state not in _STATES:
        raise unserved(f"is:{value}")
    return searcher.labelled(_STATES[state])


def _label(searcher: Searcher, value: str) -> Found:
    label = searcher.mailbox.labels.find(value)
    return searcher.labelled(label.id) if label else set()


def _category(searcher: Searcher, value: str) -> Found:
    names = {"primary": "PERSONAL"}
    name = names.get(value.lower(), value.upper())
    if f"CATEGORY_{name}" not in searcher.mailbox.labels:
        raise unserved(f"category:{value}")
    return searcher.labelled(f"CATEGORY_{name}")


def _has(searcher: Searcher, value: str) -> Found:
    match value.lower():
        case "attachment":
            return searcher.where(lambda each: bool(each.gist.filenames))
        case "userlabels":
            return searcher.where(_has_user_label)
        case "nouserlabels":
            return searcher.where(lambda each: not _has_user_label(each))
    raise unserved(f"has:{value}")


def _has_user_label(stored: Stored) -> bool:
    return any(label.startswith("Label_") for label in stored.labels)


def _filename(searcher: Searcher, value: str) -> Found:
    words = words_of(value)
    return searcher.where(
        lambda each: any(
            has_phrase(f" {' '.join(words_of(name))} ", words) for name in each.gist.filenames
        )
    )


def _message_id(searcher: Searcher, value: str) -> Found:
    return searcher.mailbox.index.message_id(bare_id(value))


_OPERATORS: Mapping[str, Callable[[Searcher, str], Found]] = {
    "": _bare,
    **{name: _address(name) for name in ADDRESS_FIELDS},
    "subject": _phrase("subject"),
    "list": _phrase("list"),
    "deliveredto": _delivered_to,
    "after": _after,
    "newer": _after,
    "before": _before,
    "older": _before,
    "newer_than": _newer_than,
    "older_than": _older_than,
    "larger": _larger,
    "size": _larger,
    "smaller": _smaller,
    "in": _in,
    "is": _is,
    "label": _label,
    "category": _category,
    "has": _has,
    "filename": _filename,
    "rfc822msgid": _message_id,
}
