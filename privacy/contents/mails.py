"""What is inside the sealed columns of a mail: head, body, raw bytes, attachments' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mail.address import Address, Participant
from mail.html import sanitise
from mail.reply import new_text
from privacy.contents.packing import pack, unpack
from privacy.vault import Key, Place, seal, unseal

RAW_CHUNK = 1024 * 1024
"""Bytes of a raw mail that are sealed together."""


@dataclass(frozen=True, slots=True)
class OfMail:
    """The stored mail that a sealed value belongs to."""

    workspace_id: int
    mail_id: int
    generation: int

    def place(self, table: str, column: str) -> Place:
        """Return the place of one of the mail's sealed columns."""
        return Place(self.workspace_id, table, self.mail_id, column, self.generation)


@dataclass(frozen=True, slots=True)
class Head:
    """What lists of mails show; `date` is the mail's own, UTC, and `snippet` starts its text."""

    subject: str
    sent_from: Participant | None
    date: datetime
    sender: Participant | None = None
    to: tuple[Participant, ...] = ()
    cc: tuple[Participant, ...] = ()
    bcc: tuple[Participant, ...] = ()
    reply_to: tuple[Participant, ...] = ()
    message_id: str = ""
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A mail's texts: whole, without what its HTML marks as quoted, and that HTML.

    `own` is empty where it is the whole text. `markup` is the HTML as sent and must never
    reach a page; `html` is what may.
    """

    text: str
    own: str
    markup: str

    @property
    def new_text(self) -> str:
        """The text without quoted parts and signature, by the rules of today."""
        return new_text(self.own or self.text) or self.own or self.text

    @property
    def html(self) -> str:
        """The HTML made harmless, by the rules of today; worked out at each access."""
        return sanitise(self.markup) if self.markup else ""


@dataclass(frozen=True, slots=True)
class AttachmentCard:
    """What an attachment is called; `content_id` has no brackets and may be empty."""

    filename: str
    content_type: str
    content_id: str


def seal_head(key: Key, mail: OfMail, head: Head) -> bytes:
    """Return a mail's head, sealed under the mail's key."""
    written = {
        "subject": head.subject,
        "from": named(head.sent_from),
        "sender": named(head.sender),
        "to": [named(one) for one in head.to],
        "cc": [named(one) for one in head.cc],
        "bcc": [named(one) for one in head.bcc],
        "reply_to": [named(one) for one in head.reply_to],
        "message_id": head.message_id,
        "snippet": head.snippet,
        "date": head.date.astimezone(UTC).isoformat(),
    }
    return seal(key, mail.place("mail", "head"), pack(written))


def open_head(key: Key, mail: OfMail, sealed: bytes) -> Head:
    """Return a mail's head.

    Raises:
        SealBroken: Another key, another place, or changed bytes.
    """
    read = unpack(key, mail.place("mail", "head"), sealed)
    return Head(
        subject=read["subject"],
        sent_from=person(read["from"]),
        date=datetime.fromisoformat(read["date"]),
        sender=person(read["sender"]),
        to=people(read["to"]),
        cc=people(read["cc"]),
        bcc=people(read["bcc"]),
        reply_to=people(read["reply_to"]),
        message_id=read["message_id"],
        snippet=read["snippet"],
    )


def seal_body(key: Key, mail: OfMail, body: Body) -> bytes:
    """Return a mail's texts, sealed under the mail's key."""
    written = {"text": body.text, "own": body.own, "markup": body.markup}
    return seal(key, mail.place("mail", "body"), pack(written))


def open_body(key: Key, mail: OfMail, sealed: bytes) -> Body:
    """Return a mail's texts."""
    read = unpack(key, mail.place("mail", "body"), sealed)
    return Body(read["text"], read["own"], read["markup"])


def seal_raw(key: Key, mail: OfMail, raw: bytes) -> list[bytes]:
    """Return the mail as it came, in sealed chunks in order; at least one."""
    return [
        seal(key, mail.place("mail_raw", f"sealed {chunk}"), raw[start : start + RAW_CHUNK])
        for chunk, start in enumerate(range(0, max(len(raw), 1), RAW_CHUNK))
    ]


def open_raw(key: Key, mail: OfMail, chunk: int, sealed: bytes) -> bytes:
    """Return one chunk of the mail as it came."""
    return unseal(key, mail.place("mail_raw", f"sealed {chunk}"), sealed)


def seal_attachment(key: Key, mail: OfMail, part: str, card: AttachmentCard) -> bytes:
    """Return an attachment's names, sealed under the mail's key."""
    written = {
        "filename": card.filename,
        "content_type": card.content_type,
        "content_id": card.content_id,
    }
    return seal(key, mail.place("attachment", f"sealed {part}"), pack(written))


def open_attachment(key: Key, mail: OfMail, part: str, sealed: bytes) -> AttachmentCard:
    """Return an attachment's names."""
    read = unpack(key, mail.place("attachment", f"sealed {part}"), sealed)
    return AttachmentCard(read["filename"], read["content_type"], read["content_id"])


def named(one: Participant | None) -> dict[str, str] | None:
    """Return a person as it is written."""
    return None if one is None else {"name": one.name, "address": one.address}


def person(read: Mapping[str, str] | None) -> Participant | None:
    """Return a person as it was written."""
    return None if read is None else Participant(read["name"], Address(read["address"]))


def people(read: Sequence[Mapping[str, str]]) -> tuple[Participant, ...]:
    """Return people as they were written."""
    return tuple(Participant(one["name"], Address(one["address"])) for one in read)
