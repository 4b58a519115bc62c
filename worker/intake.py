"""From a mail as it came to the sealed rows that are stored of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.base import FolderRole, RawMessage
from mail.address import Address, Participant
from mail.limits import Limits, Reason, Unparseable
from mail.message import Message, parse
from mail.reply import new_text
from models.queries.storing import Ground, NewAttachment, NewMail
from privacy.contents import (
    AttachmentCard,
    Body,
    Head,
    OfMail,
    seal_attachment,
    seal_body,
    seal_head,
    seal_raw,
)
from privacy.vault import Index, Key
from worker.placing import fingerprint
from worker.policy import Parties

EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=2)
WHITE_SPACE = b" \t\n\v\f\r"
"""What copies of a mail may differ in."""
SNIPPET_CHARACTERS = 200
SNIPPET_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose mail is taken in: what sealing needs, as plain values that another process may get.

    `roles` tells what the mailbox's folders are for, by folder id.
    """

    ground: Ground
    index: Key
    own_address: Address
    roles: Mapping[int, FolderRole]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is known of a mail before it has come, with the id and the key that it will have."""

    mail_id: int
    key: Key
    folder_id: int
    ref: str
    size: int
    received_at: datetime
    object_hash: bytes | None


@dataclass(frozen=True, slots=True)
class NotTakenIn:
    """Why a mail can't be taken in."""

    reason: Reason


class Intake:
    """Takes in the mails of one mailbox."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.index = Index(desk.index)
        self.parties = Parties(self.index)

    def take_in(self, ticket: Ticket, came: RawMessage) -> NewMail | NotTakenIn:
        """Parse a mail and seal it, or say why that can't be."""
        try:
            message = parse(came.raw, self.desk.limits)
        except Unparseable as error:
            return NotTakenIn(error.reason)
        return self.seal(ticket, came, message)

    def seal(self, ticket: Ticket, came: RawMessage, message: Message) -> NewMail:
        """Return the rows of a mail, everything personal in them sealed or hashed."""
        ground, key = self.desk.ground, ticket.key
        of = OfMail(ground.workspace_id, ticket.mail_id, ground.generation)
        # A search that found it may not have told when the mailbox got it.
        received_at = came.received_at or ticket.received_at
        sent_at = plausible(message.sent_at, received_at)
        named = {(role, *self.parties(person.address)) for role, person in parties(message)}
        return NewMail(
            id=ticket.mail_id,
            folder_id=ticket.folder_id,
            ref=ticket.ref,
            twin=self.twin(came, message),
            fingerprint=fingerprint(self.index, message.message_id, message.sent_at, ticket.size),
            object_hash=ticket.object_hash,
            outbound=self.is_outbound(ticket, came, message),
            sent_at=sent_at,
            received_at=received_at,
            size=len(came.raw),
            own_reference=self.reference(message.message_id) if message.message_id else None,
            references=self.references(came, message),
            participants=frozenset(named),
            head=seal_head(key, of, head(message, sent_at)),
            body=seal_body(key, of, body(message)),
            raw=seal_raw(key, of, came.raw),
            attachments=tuple(
                NewAttachment(
                    part=file.part,
                    size=file.size,
                    inline=file.inline,
                    sealed=seal_attachment(
                        key,
                        of,
                        file.part,
                        AttachmentCard(file.filename, file.content_type, file.content_id),
                    ),
                )
                for file in message.attachments
            ),
        )

    def reference(self, message_id: str) -> bytes:
        """Return the hash of a message id that threads hang on."""
        return self.index.hash("message-id", message_id)

    def references(self, came: RawMessage, message: Message) -> tuple[bytes, ...]:
        """Return the hashes of what a mail refers to.

        The provider's own thread is one of them, inside its mailbox only (F13).
        """
        hashes = [self.reference(id_) for id_ in message.references]
        if came.thread_id:
            thread = f"{self.desk.ground.mailbox_id} {came.thread_id}"
            hashes.append(self.index.hash("thread", thread))
        return tuple(hashes)

    def twin(self, came: RawMessage, message: Message) -> bytes:
        """Return the hash that is equal for the same mail in two mailboxes, and no other (F14).

        Message-ID, date, sender, text and attachments must agree: the header alone is for
        anyone to choose. A mail without a Message-ID is told by all of its bytes.
        """
        if not message.message_id:
            return self.index.hash("twin", hashlib.sha256(came.raw).hexdigest())
        text = message.text.replace("\xa0", "").encode("utf-8", "replace")
        content = hashlib.sha256(text.translate(None, WHITE_SPACE))
        for file in message.attachments:
            content.update(f"\0{file.filename}\0{file.size}".encode("utf-8", "replace"))
        date = "" if message.sent_at is None else str(int(message.sent_at.timestamp()))
        sender = ",".join(sorted(person.address for person in message.from_))
        told = (message.message_id, date, sender, content.hexdigest())
        return self.index.hash("twin", "\0".join(told))

    def is_outbound(self, ticket: Ticket, came: RawMessage, message: Message) -> bool:
        """Tell whether the user wrote it: from the mailbox's own address, or among sent mail."""
        senders: Collection[Address] = {person.address for person in message.from_}
        if self.desk.own_address in senders or came.is_sent:
            return True
        return self.desk.roles.get(ticket.folder_id) is FolderRole.SENT


def parties(message: Message) -> Iterator[tuple[str, Participant]]:
    """Yield everyone a mail names, by role."""
    for role, people in (
        ("from", message.from_),
        ("sender", message.sender),
        ("to", message.to),
        ("cc", message.cc),
        ("bcc", message.bcc),
        ("reply_to", message.reply_to),
    ):
        for person in people:
            yield role, person


def head(message: Message, sent_at: datetime) -> Head:
    """Return what lists show of a mail."""
    return Head(
        subject=message.subject,
        sent_from=message.from_[0] if message.from_ else None,
        date=sent_at,
        sender=message.sender[0] if message.sender else None,
        to=message.to,
        cc=message.cc,
        bcc=message.bcc,
        reply_to=message.reply_to,
        message_id=message.message_id,
        snippet=snippet(message),
    )


def body(message: Message) -> Body:
    """Return what is kept of a mail's texts."""
    return Body(message.text, "" if message.own == message.text else message.own, message.markup)


def snippet(message: Message) -> str:
    """Return how the new text begins; only the beginning is looked at."""
    words = new_text(message.own[:SNIPPET_LOOKED_AT]).split()
    return " ".join(words)[:SNIPPET_CHARACTERS]


def plausible(stated: datetime | None, received_at: datetime) -> datetime:
    """Return the mail's own date, or its arrival if it has none that can be true."""
    if stated is None or not EARLIEST < stated < received_at + CLOCK_SKEW:
        return received_at
    return stated
