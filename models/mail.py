"""The mail that is kept: sealed, under its mailbox's generation, in its conversation.

The rows that hang on a mail have one foreign key, to the mail: each key costs a look-up per
row, and that the mailbox is live is checked once per statement by the fence's trigger.
"""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Big, Created, Hash, Id, Owner, Personal, Sealed, When
from models.mailbox import InMailbox
from models.workspace import InWorkspace

OfMail = Annotated[int, mapped_column(BigInteger, ForeignKey("mail.id", ondelete="CASCADE"))]
InFolder = Annotated[int, mapped_column(BigInteger, ForeignKey("folder.id", ondelete="CASCADE"))]
WITH_MAIL = Personal((Owner.MAIL, Owner.MAILBOX, Owner.WORKSPACE))


class Conversation(Base):
    """A thread of a workspace's mails, over all its mailboxes.

    `merged_into` is the conversation that took it in when a late parent joined two.
    """

    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_workspace", "workspace_id", "id"),)
    dies = Personal((Owner.MAIL, Owner.WORKSPACE))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace]
    merged_into: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("conversation.id", ondelete="CASCADE"), index=True
    )


class Mail(Base):
    """One copy of a mail, in one mailbox.

    `twin` is equal for the same mail in two mailboxes (Message-ID, date, sender and body
    agree, F14); it is the message's id in the API. `object_hash` is of the provider's own
    lasting id, `fingerprint` of Message-ID, date and size: either remaps a renumbered folder
    (F7). `policy_version` is what the importer decided under. `head` (subject, names,
    addresses, snippet) and `body` (texts) are sealed under the mail's own key. `unplaced_at`
    is when its last place went: it is removed only if a whole later round finds it nowhere (F5).
    """

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_conversation", "conversation_id", "sent_at"),
        Index("ix_mail_twin", "workspace_id", "twin"),
        Index("ix_mail_fingerprint", "mailbox_id", "fingerprint"),
        Index("ix_mail_object", "mailbox_id", "object_hash"),
        Index("ix_mail_unplaced", "mailbox_id", postgresql_where=text("unplaced_at IS NOT NULL")),
    )
    dies = WITH_MAIL

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace]
    mailbox_id: Mapped[InMailbox]
    generation: Mapped[Big]
    policy_version: Mapped[Big]
    conversation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("conversation.id"))
    twin: Mapped[Hash]
    fingerprint: Mapped[Hash]
    object_hash: Mapped[Hash | None]
    outbound: Mapped[bool]
    sent_at: Mapped[When]
    received_at: Mapped[When]
    size: Mapped[Big]
    head: Mapped[Sealed]
    body: Mapped[Sealed]
    stored_at: Mapped[Created]
    unplaced_at: Mapped[When | None]


class MailRaw(Base):
    """The mail as it came, compressed and sealed, in chunks in order."""

    __tablename__ = "mail_raw"
    dies = WITH_MAIL

    mail_id: Mapped[OfMail] = mapped_column(primary_key=True)
    chunk: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[Big]
    mailbox_id: Mapped[Big]
    generation: Mapped[Big]
    sealed: Mapped[Sealed]


class Participant(Base):
    """An address among a mail's parties, as keyed hashes of the address and its domain.

    `role` is from, sender, to, cc, bcc or reply_to.
    """

    __tablename__ = "participant"
    __table_args__ = (
        Index("ix_participant_address", "workspace_id", "address_hash"),
        Index("ix_participant_domain", "workspace_id", "domain_hash"),
    )
    dies = WITH_MAIL

    mail_id: Mapped[OfMail] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    address_hash: Mapped[Hash] = mapped_column(LargeBinary, primary_key=True)
    domain_hash: Mapped[Hash]
    workspace_id: Mapped[Big]
    mailbox_id: Mapped[Big]
    generation: Mapped[Big]


class Reference(Base):
    """A message id that a mail bears or refers to, as a keyed hash; threads hang on it."""

    __tablename__ = "reference"
    __table_args__ = (Index("ix_reference_hash", "workspace_id", "hash"),)
    dies = WITH_MAIL

    mail_id: Mapped[OfMail] = mapped_column(primary_key=True)
    hash: Mapped[Hash] = mapped_column(LargeBinary, primary_key=True)
    own: Mapped[bool]
    workspace_id: Mapped[Big]
    mailbox_id: Mapped[Big]
    generation: Mapped[Big]


class Attachment(Base):
    """A part of a mail that people save; `sealed` holds its name, type and content id.

    `part` is its path in the raw mail, where its content is read from.
    """

    __tablename__ = "attachment"
    dies = WITH_MAIL

    mail_id: Mapped[OfMail] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[Big]
    mailbox_id: Mapped[Big]
    generation: Mapped[Big]
    size: Mapped[Big]
    inline: Mapped[bool]
    sealed: Mapped[Sealed]


class Place(Base):
    """Where the provider keeps a stored mail: a folder and the id there.

    A mail without a place has been removed upstream, or its folder was renumbered and it
    waits to be found again.
    """

    __tablename__ = "place"
    __table_args__ = (UniqueConstraint("folder_id", "ref"),)
    dies = WITH_MAIL

    id: Mapped[Id]
    workspace_id: Mapped[Big]
    mailbox_id: Mapped[Big]
    generation: Mapped[Big]
    folder_id: Mapped[InFolder]
    mail_id: Mapped[OfMail] = mapped_column(index=True)
    ref: Mapped[str]


class Pending(Base):
    """A matching mail that waits to be fetched, by id only; with a `reason` it is parked.

    `live`: it came after the mailbox was connected, and goes before the backfill.
    `attempts` is counted before each try, so that a mail that kills its worker is parked too.
    """

    __tablename__ = "pending"
    __table_args__ = (
        UniqueConstraint("folder_id", "ref"),
        Index(
            "ix_pending_next",
            "mailbox_id",
            text("live DESC"),
            text("received_at DESC"),
            postgresql_where=text("reason IS NULL"),
        ),
        Index("ix_pending_retry", "retry_at", postgresql_where=text("reason IS NULL")),
    )
    dies = Personal((Owner.MAILBOX, Owner.WORKSPACE))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace]
    mailbox_id: Mapped[InMailbox]
    generation: Mapped[Big]
    folder_id: Mapped[InFolder]
    ref: Mapped[str]
    object_hash: Mapped[Hash | None]
    size: Mapped[Big]
    received_at: Mapped[When]
    live: Mapped[bool]
    attempts: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[Created]
    reason: Mapped[str | None]
    parked_at: Mapped[When | None]
