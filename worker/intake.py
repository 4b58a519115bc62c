"""From a parsed mail to the sealed rows that are stored of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors.base import FolderRole, RawMessage
from mail.address import Address, Participant
from mail.message import Message
from mail.reply import new_text
from models.base import AnyRow
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
SNIPPET_CHARACTERS = 200
SNIPPET_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Parsed:
    """A mail that waited, as it came and as it was understood."""

    row: AnyRow
    came: RawMessage = field(repr=False)
    message: Message = field(repr=False)

    @property
    def received_at(self) -> datetime:
        """When the mailbox got it: a search that found it may not have told."""
        return self.came.received_at or self.row.received_at

    def parties(self) -> Iterator[tuple[str, Participant]]:
        """Yield everyone the mail names, by role."""
        message = self.message
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


@dataclass(frozen=True, slots=True)
class Intake:
    """Seals the mails of one mailbox; `roles` tells what its folders are for."""

    index: Index
    parties: Parties
    own_address: Address
    roles: Mapping[int, FolderRole]

    def seal(self, ground: Ground, mail_id: int, key: Key, one: Parsed) -> NewMail:
        """Return the rows of a mail, everything personal in them sealed or hashed."""
        message, row = one.message, one.row
        of = OfMail(ground.workspace_id, mail_id, ground.generation)
        sent_at = plausible(message.sent_at, one.received_at)
        named = {(role, *self.parties(person.address)) for role, person in one.parties()}
        return NewMail(
            id=mail_id,
            folder_id=row.folder_id,
            ref=row.ref,
            twin=self.twin(one),
            fingerprint=fingerprint(self.index, message.message_id, one.received_at, row.size),
            object_hash=row.object_hash,
            outbound=self.is_outbound(one),
            sent_at=sent_at,
            received_at=one.received_at,
            size=len(one.came.raw),
            own_reference=self.reference(message.message_id) if message.message_id else None,
            references=self.references(one, ground.mailbox_id),
            participants=frozenset(named),
            head=seal_head(key, of, head(message, sent_at)),
            body=seal_body(key, of, body(message)),
            raw=seal_raw(key, of, one.came.raw),
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

    def references(self, one: Parsed, mailbox_id: int) -> tuple[bytes, ...]:
        """Return the hashes of what a mail refers to.

        The provider's own thread is one of them, inside its mailbox only (F13).
        """
        hashes = [self.reference(id_) for id_ in one.message.references]
        if one.came.thread_id:
            hashes.append(self.index.hash("thread", f"{mailbox_id} {one.came.thread_id}"))
        return tuple(hashes)

    def twin(self, one: Parsed) -> bytes:
        """Return the hash that is equal for the same mail in two mailboxes, and no other (F14).

        Message-ID, date, sender, text and attachments must agree: the header alone is for
        anyone to choose. A mail without a Message-ID is told by all of its bytes.
        """
        message = one.message
        if not message.message_id:
            return self.index.hash("twin", hashlib.sha256(one.came.raw).hexdigest())
        content = hashlib.sha256(" ".join(message.text.split()).encode("utf-8", "replace"))
        for file in message.attachments:
            content.update(f"\0{file.filename}\0{file.size}".encode("utf-8", "replace"))
        date = "" if message.sent_at is None else str(int(message.sent_at.timestamp()))
        sender = ",".join(sorted(person.address for person in message.from_))
        told = (message.message_id, date, sender, content.hexdigest())
        return self.index.hash("twin", "\0".join(told))

    def is_outbound(self, one: Parsed) -> bool:
        """Tell whether the user wrote it: from the mailbox's own address, or among sent mail."""
        senders: Collection[Address] = {person.address for person in one.message.from_}
        if self.own_address in senders or one.came.is_sent:
            return True
        return self.roles.get(one.row.folder_id) is FolderRole.SENT


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
