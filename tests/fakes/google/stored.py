"""One mail as the mailbox holds it: its bytes, once, and the words that a search looks at."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.fakes.common.anatomy import Gist, gist_of
from tests.fakes.common.words import address_texts, headers_of, line_of

ADDRESS_FIELDS = ("from", "to", "cc", "bcc")
_INDEXED = {
    **{name: name for name in (*ADDRESS_FIELDS, "subject")},
    "delivered-to": "deliveredto",
    "list-id": "list",
}


@dataclass(slots=True, eq=False)
class Stored:
    """A message; it is equal to nothing but itself, as its id is."""

    id: str
    thread: str
    raw: bytes
    internal_ms: int
    labels: set[str]
    history_id: int
    heads: Heads
    _gist: Gist | None = None

    @property
    def order(self) -> tuple[int, int]:
        """The key that sorts newest first."""
        return -self.internal_ms, -int(self.id, 16)

    @property
    def gist(self) -> Gist:
        """What is said of its parts, found when it is first asked for."""
        if self._gist is None:
            self._gist = gist_of(self.raw)
        return self._gist

    @property
    def named(self) -> dict[str, str]:
        """Its id and thread, as lists name it."""
        return {"id": self.id, "threadId": self.thread}


@dataclass(frozen=True, slots=True)
class Heads:
    """What the mailbox needs of a mail's headers."""

    message_id: str
    """Without the angle brackets; '' when there is none."""
    references: tuple[str, ...]
    subject: str
    date: datetime | None
    lines: dict[str, str] = field(default_factory=dict)
    """The words of the indexed headers, by search operator."""


def heads_of(raw: bytes) -> Heads:
    """Return what the mailbox needs of a mail's headers."""
    texts: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for name, value in headers_of(raw):
        key = name.lower()
        first.setdefault(key, value)
        if operator := _INDEXED.get(key):
            found = address_texts(value) if key in ADDRESS_FIELDS else [value]
            texts.setdefault(operator, []).extend(found)
    references = f"{first.get('references', '')} {first.get('in-reply-to', '')}"
    return Heads(
        bare_id(first.get("message-id", "")),
        tuple(bare_id(each) for each in references.split()),
        first.get("subject", ""),
        _date_of(first.get("date", "")),
        {operator: line for operator, each in texts.items() if (line := line_of(*each))},
    )


def bare_id(text: str) -> str:
    """Return a Message-ID without its brackets."""
    return text.strip().removeprefix("<").removesuffix(">")


def _date_of(text: str) -> datetime | None:
    try:
        read = email.utils.parsedate_to_datetime(text)
        return read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return None
