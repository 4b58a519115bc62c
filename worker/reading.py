"""The leads' mail, opened for whoever may read it.

Rows and keys are read one after the other: a mail whose key went between them, or is being
purged, simply isn't there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mail.address import Address, Participant
from mail.message import attachment_content
from models.base import AnyRow
from models.queries import leads as lead_queries
from models.queries import reading as queries
from privacy.contents import (
    AttachmentCard,
    Head,
    OfMail,
    open_attachment,
    open_body,
    open_head,
    open_lead,
    open_raw,
)
from privacy.vault import Key
from worker.boot import Service
from worker.names import UnknownId, message_id, row_id, twin_of
from worker.refused import NotThere
from worker.shown import (
    AttachmentShown,
    ConversationPage,
    ConversationShown,
    MessagePage,
    MessageShown,
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a message whose key is still there."""

    row: AnyRow = field(repr=False)
    mail_id: int
    key: Key


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads the mail of one workspace."""

    service: Service
    workspace_id: int

    def conversations(
        self, lead: str, after: tuple[datetime, int] | None, limit: int
    ) -> ConversationPage:
        """Return a lead's conversations behind a position, the newest activity first.

        Raises:
            NotThere: The workspace has no such lead.
        """
        hash_ = self.service.vault.workspace(self.workspace_id).index.hash("lead", lead)
        with self.service.store.workspace(self.workspace_id) as connection:
            row = lead_queries.by_hash(connection, [hash_]).get(hash_)
            if row is None:
                raise NotThere
            rows = queries.conversations(connection, row.id, after, limit + 1)
            found, more = rows[:limit], len(rows) > limit
            heads = queries.heads(connection, [one.id for one in found])
        keys = self.keys(head.id for head in heads)
        opened: dict[int, list[Head]] = {}
        for head in heads:
            if head.id in keys:
                opened.setdefault(head.conversation_id, []).append(
                    open_head(keys[head.id], self.of(head), head.head)
                )
        return ConversationPage(
            tuple(summary(one, opened[one.id]) for one in found if one.id in opened),
            (found[-1].last_at, found[-1].id) if more else None,
        )

    def messages(
        self, conversation: str, after: tuple[datetime, bytes] | None, limit: int
    ) -> MessagePage:
        """Return a conversation's messages behind a position, oldest first.

        Raises:
            NotThere: Nothing in it may be read, or there is none.
        """
        with self.service.store.workspace(self.workspace_id) as connection:
            id_ = queries.standing_conversation(connection, known(conversation))
            if id_ is None:
                raise NotThere
            rows = queries.messages_of(connection, id_, after, limit + 1)
        if not rows and after is None:
            raise NotThere
        found, more = rows[:limit], len(rows) > limit
        return MessagePage(
            tuple(self.open(found)), (found[-1].sent_at, found[-1].twin) if more else None
        )

    def message(self, message: str) -> MessageShown:
        """Return a message.

        Raises:
            NotThere: There is none that may be read.
        """
        shown = self.open([self.find(message)])
        if not shown:
            raise NotThere
        return shown[0]

    def raw(self, message: str) -> Iterator[bytes]:
        """Return a message as it came, in pieces; whether it may be read is asked for each.

        Raises:
            NotThere: There is none that may be read, or (later) no longer.
        """
        found = self.copies([self.find(message)])
        if not found:
            raise NotThere
        copy = found[0]
        first = self.chunk(copy, 0)
        if first is None:
            raise NotThere
        return self.pieces(copy, first)

    def attachment(self, attachment: str) -> tuple[AttachmentCard, bytes]:
        """Return an attachment's card and content.

        Raises:
            NotThere: There is none that may be read.
        """
        message, _, part = attachment.partition("-")
        found = self.copies([self.find(message)])
        if not found:
            raise NotThere
        copy = found[0]
        with self.service.store.workspace(self.workspace_id) as connection:
            rows = queries.attachments(connection, [copy.mail_id])
        for row in rows:
            if row.part == part:
                of = OfMail(self.workspace_id, row.mail_id, row.generation)
                card = open_attachment(copy.key, of, part, row.sealed)
                content = attachment_content(b"".join(self.raw(message)), part)
                if content is not None:
                    return card, content
        raise NotThere

    def find(self, message: str) -> AnyRow:
        """Return the row of a message by its id.

        Raises:
            NotThere: There is none that may be read.
        """
        try:
            twin = twin_of(message)
        except UnknownId:
            raise NotThere from None
        with self.service.store.workspace(self.workspace_id) as connection:
            row = queries.message(connection, twin)
        if row is None:
            raise NotThere
        return row

    def pieces(self, copy: Copy, first: bytes) -> Iterator[bytes]:
        """Yield a raw mail's chunks, each read when the one before has been taken."""
        number, piece = 0, first
        while piece is not None:
            yield piece
            number += 1
            following = self.chunk(copy, number)
            if following is None:
                return
            piece = following

    def chunk(self, copy: Copy, number: int) -> bytes | None:
        """Return one chunk of a raw mail, or None behind its end."""
        with self.service.store.workspace(self.workspace_id) as connection:
            row = queries.raw_chunk(connection, copy.mail_id, number)
        if row is None:
            return None
        of = OfMail(self.workspace_id, copy.mail_id, row.generation)
        return open_raw(copy.key, of, number, row.sealed)

    def open(self, rows: Sequence[AnyRow]) -> list[MessageShown]:
        """Return rows as messages, by as many statements for many as for one."""
        copies = self.copies(rows)
        ids = [copy.mail_id for copy in copies]
        with self.service.store.workspace(self.workspace_id) as connection:
            contents = queries.contents(connection, ids)
            attachments = queries.attachments(connection, ids)
            pairs = queries.leads_of(connection, ids)
        leads = self.lead_ids({pair.lead_id for pair in pairs})
        files: dict[int, list[AnyRow]] = {}
        for file in attachments:
            files.setdefault(file.mail_id, []).append(file)
        theirs: dict[int, list[str]] = {}
        for mail, lead in pairs:
            if lead in leads:
                theirs.setdefault(mail, []).append(leads[lead])
        return [
            self.shown(copy, contents[copy.mail_id], files, theirs)
            for copy in copies
            if copy.mail_id in contents
        ]

    def shown(
        self,
        copy: Copy,
        content: AnyRow,
        files: dict[int, list[AnyRow]],
        theirs: dict[int, list[str]],
    ) -> MessageShown:
        """Open one message."""
        of, id_ = self.of(content), message_id(copy.row.twin)
        return MessageShown(
            id=id_,
            conversation=copy.row.conversation_id,
            leads=tuple(theirs.get(copy.mail_id, ())),
            mailboxes=tuple(dict.fromkeys(copy.row.mailbox_ids)),
            outbound=copy.row.outbound,
            sent_at=copy.row.sent_at,
            head=open_head(copy.key, of, content.head),
            body=open_body(copy.key, of, content.body),
            attachments=tuple(
                AttachmentShown(
                    id=f"{id_}-{file.part}",
                    card=open_attachment(copy.key, of, file.part, file.sealed),
                    size=file.size,
                    inline=file.inline,
                )
                for file in files.get(copy.mail_id, ())
            ),
        )

    def copies(self, rows: Sequence[AnyRow]) -> list[Copy]:
        """Return for each message its first copy whose key is there, in the same order."""
        keys = self.keys(mail for row in rows for mail in row.mail_ids)
        found = []
        for row in rows:
            mail = next((id_ for id_ in row.mail_ids if id_ in keys), None)
            if mail is not None:
                found.append(Copy(row, mail, keys[mail]))
        return found

    def lead_ids(self, lead_ids: Collection[int]) -> dict[int, str]:
        """Return the CRM's ids of leads."""
        if not lead_ids:
            return {}
        with self.service.store.workspace(self.workspace_id) as connection:
            rows = lead_queries.sealed_by_id(connection, lead_ids)
        keys = self.service.vault.lead_keys(self.workspace_id, lead_ids)
        return {
            row.id: open_lead(keys[row.id], self.workspace_id, row.id, row.sealed).id
            for row in rows
            if row.id in keys
        }

    def keys(self, mail_ids: Iterable[int]) -> dict[int, Key]:
        """Return the keys of mails that still have one."""
        return self.service.vault.message_keys(self.workspace_id, mail_ids)

    def of(self, row: AnyRow) -> OfMail:
        """Return what a mail's sealed columns are bound to."""
        return OfMail(self.workspace_id, row.id, row.generation)


def known(conversation: str) -> int:
    """Return the row that a conversation's id names.

    Raises:
        NotThere: It is no id of ours.
    """
    try:
        return row_id(conversation)
    except UnknownId:
        raise NotThere from None


def summary(row: AnyRow, heads: Sequence[Head]) -> ConversationShown:
    """Return a conversation by the heads of its first and newest mails, oldest first."""
    people: dict[Address, str] = {}
    for head in heads:
        for one in (head.sent_from, *head.to, *head.cc):
            if one is not None and not people.get(one.address):
                people[one.address] = one.name
    return ConversationShown(
        id=row.id,
        subject=heads[0].subject,
        snippet=heads[-1].snippet,
        message_count=row.message_count,
        first_at=row.first_at,
        last_at=row.last_at,
        participants=tuple(Participant(name, address) for address, name in people.items()),
    )
