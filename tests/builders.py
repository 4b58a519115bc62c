"""Builds workspaces, mailboxes and stored mails for tests, sealed as the importer seals them."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from mail.address import Address, Participant, canonical, domain_of
from models.mailbox import State
from models.queries import folders, mailboxes, policies, storing, threads
from models.queries.storing import Ground, NewAttachment, NewMail
from privacy.contents import (
    AttachmentCard,
    Body,
    FolderCard,
    Grant,
    Head,
    MailboxCard,
    OfMail,
    seal_attachment,
    seal_body,
    seal_folder,
    seal_grant,
    seal_head,
    seal_mailbox,
    seal_raw,
)
from privacy.vault import Key
from worker.boot import Service
from worker.settings import Settings
from worker.workspaces import Right, create_workspace, make_key

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MASTER_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
_numbers = itertools.count(1)


def make_settings(url: str, vault_url: str, redis_url: str, **more: object) -> Settings:
    """Return settings for a pair of databases and a Redis."""
    return Settings.model_validate(
        {
            "database_url": url,
            "vault_database_url": vault_url,
            "redis_url": redis_url,
            "LEADMAIL_MASTER_KEYS": MASTER_KEY,
            "LEADMAIL_PUBLIC_URL": "http://crm.example",
            "LEADMAIL_ALLOW_HOSTS": "127.0.0.1,localhost",
            **more,
        }
    )


@dataclass(frozen=True, slots=True)
class File:
    """An attachment of a mail to build."""

    part: str
    filename: str
    content: bytes = b"content"
    content_type: str = "application/pdf"
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to build: addresses in clear, the first of `to` and the sender with a name."""

    sender: str
    to: Sequence[str]
    subject: str = "Offer"
    text: str = "Good day\n\n> quoted\n"
    new_text: str = "Good day"
    html: str = ""
    cc: Sequence[str] = ()
    sent_at: datetime = NOON
    outbound: bool = False
    message_id: str = ""
    files: Sequence[File] = field(default_factory=tuple)
    raw: bytes = b""

    def people(self) -> dict[str, tuple[Participant, ...]]:
        """Return everyone the mail names, by role."""
        return {
            "from": (named(self.sender),),
            "to": tuple(map(named, self.to)),
            "cc": tuple(map(named, self.cc)),
        }

    def as_bytes(self) -> bytes:
        """Return the mail as it came."""
        if self.raw:
            return self.raw
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Subject"] = self.subject
        if self.message_id:
            message["Message-ID"] = f"<{self.message_id}>"
        message.set_content(self.text)
        for file in self.files:
            main, _, sub = file.content_type.partition("/")
            message.add_attachment(file.content, main, sub, filename=file.filename)
        return message.as_bytes()


@dataclass(slots=True)
class Tenant:
    """A workspace with its keys, and what is built in it."""

    service: Service
    id: int
    admin: str
    crm: str

    @classmethod
    def of(cls, service: Service, name: str = "Example Ltd") -> Tenant:
        """Create a workspace with a key of each scope."""
        id_, admin = create_workspace(service, name)
        return cls(service, id_, admin.secret, make_key(service, id_, Right.CRM).secret)

    def mailbox(
        self,
        address: str = "ben@firm.example",
        user: str = "ben",
        *,
        state: State = State.LIVE,
        since: datetime | None = None,
        folder_names: Sequence[str] = ("INBOX",),
        host: str = "127.0.0.1",
        port: int = 1,
        provider: str = "imap",
    ) -> int:
        """Store a connected mailbox with its folders, and return its id."""
        vault, index = self.service.vault, self.service.vault.workspace(self.id).index
        with self.service.store.workspace(self.id) as connection:
            id_ = mailboxes.next_id(connection)
        key = vault.make_mailbox_key(self.id, id_)
        card = MailboxCard(user, Address(address), host, port, "plain", address)
        with self.service.store.workspace(self.id) as connection:
            mailboxes.add(
                connection,
                id=id_,
                workspace_id=self.id,
                provider=provider,
                state=state,
                since=since,
                user_hash=index.hash("user", user),
                address_hash=index.address(address),
                sealed=seal_mailbox(key, self.id, id_, card),
            )
            mailboxes.put_grant(
                connection,
                mailbox_id=id_,
                workspace_id=self.id,
                generation=1,
                sealed=seal_grant(key, self.id, id_, 1, Grant("password", "secret")),
            )
            ids = folders.next_ids(connection, len(folder_names))
            folders.add(
                connection,
                [
                    {
                        "id": folder_id,
                        "workspace_id": self.id,
                        "mailbox_id": id_,
                        "generation": 1,
                        "hash": index.hash("folder", name),
                        "sealed": seal_folder(key, self.id, folder_id, 1, FolderCard(name, name)),
                        "role": "inbox",
                        "selected": True,
                        "cursor": "7:100",
                        "mark": "7.101.3",
                        "remaining": 0,
                        "searched_version": 1,
                    }
                    for folder_id, name in zip(ids, folder_names, strict=True)
                ],
            )
        return id_

    def conversation(self) -> int:
        """Store an empty conversation and return its id."""
        with self.service.store.workspace(self.id) as connection:
            return threads.add_conversations(connection, self.id, 1)[0]

    def mail(self, mailbox_id: int, letter: Letter, conversation: int | None = None) -> str:
        """Store a mail, in a conversation of its own unless one is given; return its id."""
        return self.mails(mailbox_id, [letter], conversation)[0]

    def mails(
        self, mailbox_id: int, letters: Sequence[Letter], conversation: int | None = None
    ) -> list[str]:
        """Store mails by as few statements as the importer; return their ids."""
        vault, count = self.service.vault, len(letters)
        with self.service.store.workspace(self.id) as connection:
            ids = storing.draw_ids(connection, count)
            if conversation is None:
                conversations = threads.add_conversations(connection, self.id, count)
            else:
                conversations = [conversation] * count
            folder = folders.of_mailbox(connection, mailbox_id)[0].id
        keys = vault.make_message_keys(
            self.id, mailbox_id, vault.mailbox_key(self.id, mailbox_id), ids
        )
        mails = [
            self.sealed(mailbox_id, id_, keys[id_], folder, letter)
            for id_, letter in zip(ids, letters, strict=True)
        ]
        with self.service.store.workspace(self.id) as connection:
            version = policies.version(connection, self.id)
            storing.add_mails(
                connection, Ground(self.id, mailbox_id, 1), version, mails, conversations
            )
        return [mail.twin.hex() for mail in mails]

    def sealed(self, mailbox_id: int, id_: int, key: Key, folder: int, letter: Letter) -> NewMail:
        """Return the sealed rows of a mail."""
        index, of = self.service.vault.workspace(self.id).index, OfMail(self.id, id_, 1)
        people = letter.people()
        message_id = letter.message_id or f"{id_}.{next(_numbers)}@test.example"
        head = Head(
            subject=letter.subject,
            sent_from=people["from"][0],
            date=letter.sent_at,
            to=people["to"],
            cc=people["cc"],
            message_id=message_id,
            snippet=letter.new_text[:200],
        )
        raw = letter.as_bytes()
        return NewMail(
            id=id_,
            folder_id=folder,
            ref=f"7:{id_}",
            twin=index.hash("twin", message_id + letter.text),
            fingerprint=index.hash("fingerprint", message_id),
            object_hash=None,
            outbound=letter.outbound,
            sent_at=letter.sent_at,
            received_at=letter.sent_at + timedelta(seconds=2),
            size=len(raw),
            own_reference=index.hash("message-id", message_id),
            references=(),
            participants=frozenset(
                (role, index.address(one.address), index.domain(domain_of(one.address)))
                for role, some in people.items()
                for one in some
            ),
            head=seal_head(key, of, head),
            body=seal_body(key, of, Body(letter.text, letter.new_text, letter.html)),
            raw=seal_raw(key, of, raw),
            attachments=tuple(
                NewAttachment(
                    file.part,
                    len(file.content),
                    file.inline,
                    seal_attachment(
                        key,
                        of,
                        file.part,
                        AttachmentCard(file.filename, file.content_type, file.content_id),
                    ),
                )
                for file in letter.files
            ),
        )


def named(text: str) -> Participant:
    """Return a person by an address, named by what stands before the @."""
    address = canonical(text)
    assert address is not None
    return Participant(address.partition("@")[0].title(), address)
