"""A whole mail as values: who, when, what it says, and what hangs on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from mail.address import Participant
from mail.address_list import addresses_in
from mail.body import Attachment, read_body
from mail.date import date_in
from mail.encoded_word import decode_words, header_text
from mail.envelope import fields, message_id_in, message_ids_in
from mail.html import sanitise
from mail.limits import Limits, Reason, Unparseable, check
from mail.mime import Part
from mail.odd import split_odd
from mail.reply import new_text
from mail.split import split

__all__ = [
    "Attachment",
    "Limits",
    "Message",
    "NoSuchPart",
    "Reason",
    "Unparseable",
    "attachment_content",
    "parse",
]

REFERENCES = 200
"""How many message ids a mail may refer to: the first and the last of a longer list are kept."""
SUBJECT_LENGTH = 2_000
"""Characters of a subject that are kept."""

_DEFAULT_LIMITS = Limits()
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]+")


class NoSuchPart(LookupError):
    """The mail has no attachment of this path."""


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """A mail. It has no representation: those travel to logs.

    `message_id` and `references` keep no brackets; `references` are References, then
    In-Reply-To, in order, each once. `sent_at` is aware and UTC, None when the date is missing
    or broken. `text` is the best plain text, made from the HTML where there is none; `own` is
    it without what the HTML marks as quoted, `new_text` what of it the sender wrote now.
    `markup` is the HTML as sent and must never reach a page; `html` is what may.
    """

    message_id: str
    references: tuple[str, ...]
    sent_at: datetime | None
    subject: str
    from_: tuple[Participant, ...]
    sender: tuple[Participant, ...]
    to: tuple[Participant, ...]
    cc: tuple[Participant, ...]
    bcc: tuple[Participant, ...]
    reply_to: tuple[Participant, ...]
    text: str
    own: str
    markup: str
    attachments: tuple[Attachment, ...]
    auto_submitted: bool

    @property
    def new_text(self) -> str:
        """What the sender wrote now. Worked out at each access."""
        return new_text(self.own) or self.own

    @property
    def html(self) -> str:
        """The HTML made harmless; '' when the mail has none. Worked out at each access."""
        return sanitise(self.markup) if self.markup else ""


def parse(raw: bytes, limits: Limits = _DEFAULT_LIMITS) -> Message:
    """Read a mail, however broken it is, in time linear in its size.

    Raises:
        Unparseable: A limit is passed. Nothing else is ever raised.
    """
    raw = raw.lstrip(b"\r\n")
    check(raw, limits)
    named = _fields(raw, limits)
    first = {name: values[0] for name, values in named.items()}
    body = read_body(split(raw, limits, first) or split_odd(raw, limits), limits)
    text = body.text()
    return Message(
        message_id=next(filter(None, map(message_id_in, named.get(b"message-id", ()))), ""),
        references=_references(named),
        sent_at=date_in(named.get(b"date", ())),
        subject=_subject(named.get(b"subject", ())),
        from_=_people(named, b"from"),
        sender=_people(named, b"sender"),
        to=_people(named, b"to"),
        cc=_people(named, b"cc"),
        bcc=_people(named, b"bcc"),
        reply_to=_people(named, b"reply-to"),
        text=text,
        own=body.own_text(),
        markup=body.markup(),
        attachments=tuple(one for one, _ in body.files),
        auto_submitted=_is_automatic(named),
    )


def attachment_content(raw: bytes, part: str, limits: Limits = _DEFAULT_LIMITS) -> bytes:
    """Return the decoded bytes of the attachment that `parse` listed under this path.

    Raises:
        NoSuchPart: The mail has no such attachment.
        Unparseable: A limit is passed.
    """
    raw = raw.lstrip(b"\r\n")
    check(raw, limits)
    for attachment, source in read_body(_tree(raw, limits), limits).files:
        if attachment.part == part:
            return source.content if isinstance(source, Part) else source
    raise NoSuchPart


def _tree(raw: bytes, limits: Limits) -> Part:
    return split(raw, limits) or split_odd(raw, limits)


def _fields(raw: bytes, limits: Limits) -> dict[bytes, list[bytes]]:
    """Return the values of all fields of the mail's header by name, in order."""
    named: dict[bytes, list[bytes]] = {}
    for name, value in fields(raw[: header_end(raw, limits)]):
        named.setdefault(name, []).append(value)
    return named


def header_end(raw: bytes, limits: Limits) -> int:
    """Return where the mail's header ends."""
    end = limits.header
    # The usual one first: the others are then looked for in the header only.
    for empty in (b"\r\n\r\n", b"\n\n", b"\r\r"):
        found = raw.find(empty, 0, end + 1)
        end = found if found >= 0 else end
    return end


def _people(named: dict[bytes, list[bytes]], name: bytes) -> tuple[Participant, ...]:
    values = named.get(name, ())
    found = (one for value in values for one in addresses_in(value))
    return tuple({one.address: one for one in reversed(list(found))}.values())[::-1]


def _references(named: dict[bytes, list[bytes]]) -> tuple[str, ...]:
    values = (*named.get(b"references", ()), *named.get(b"in-reply-to", ()))
    found = tuple(dict.fromkeys(one for value in values for one in message_ids_in(value)))
    return found if len(found) <= REFERENCES else (found[0], *found[1 - REFERENCES :])


def _subject(values: list[bytes] | tuple[()]) -> str:
    value = next(filter(None, values), b"")
    return _SPACES.sub(" ", decode_words(header_text(value))).strip()[:SUBJECT_LENGTH]


def _is_automatic(named: dict[bytes, list[bytes]]) -> bool:
    """Say whether a program sent this by itself (RFC 3834 5)."""
    stated = (named.get(b"auto-submitted") or [b"no"])[0].lower()
    return not stated.startswith(b"no") or b"x-autoreply" in named or b"x-autorespond" in named
