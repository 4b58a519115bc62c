"""What a mailbox needs of a mail's headers: ids, subject, date and the words of a search."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.fakes.common.words import address_texts, headers_of, line_of

ADDRESS_FIELDS = ("from", "to", "cc", "bcc")
_INDEXED = {
    **{name: name for name in (*ADDRESS_FIELDS, "subject")},
    "delivered-to": "deliveredto",
    "list-id": "list",
}


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
