"""The vault's tables: keys, each wrapped by the one above it, and the ledger of erasures."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import (
    Big,
    Created,
    Id,
    Impersonal,
    Owner,
    Personal,
    Sealed,
    VaultBase,
    When,
)


class WorkspaceKey(VaultBase):
    """A workspace's key, wrapped by a master key; its index and seal keys derive from it."""

    __tablename__ = "workspace_key"
    dies = Personal((Owner.WORKSPACE,))

    workspace_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    wrapped: Mapped[Sealed]
    created_at: Mapped[Created]


class MailboxKey(VaultBase):
    """A mailbox's key, wrapped by its workspace's."""

    __tablename__ = "mailbox_key"
    dies = Personal((Owner.MAILBOX, Owner.WORKSPACE))

    mailbox_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    workspace_id: Mapped[Big]
    wrapped: Mapped[Sealed]


class MessageKey(VaultBase):
    """A mail's key, wrapped by its mailbox's; it can't outlive the mailbox's key."""

    __tablename__ = "message_key"
    __table_args__ = (
        Index("ix_message_key_created", "created_at", "mail_id"),
        Index("ix_message_key_mailbox", "mailbox_id", "mail_id"),
    )
    dies = Personal((Owner.MAIL, Owner.MAILBOX, Owner.WORKSPACE))

    mail_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    workspace_id: Mapped[Big]
    mailbox_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("mailbox_key.mailbox_id", ondelete="CASCADE")
    )
    wrapped: Mapped[Sealed]
    created_at: Mapped[Created]


class LeadKey(VaultBase):
    """A lead's key, wrapped by its workspace's."""

    __tablename__ = "lead_key"
    dies = Personal((Owner.LEAD, Owner.WORKSPACE))

    lead_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    workspace_id: Mapped[Big]
    wrapped: Mapped[Sealed]


class SigningKey(VaultBase):
    """The Ed25519 key that signs certificates, wrapped by a master key."""

    __tablename__ = "signing_key"
    dies = Impersonal("signs certificates; concerns nobody")

    id: Mapped[Id]
    wrapped: Mapped[Sealed]
    public: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Created]


class Erasure(VaultBase):
    """The order to erase, its progress and its certificate: the ledger that a restore obeys.

    `mailbox_id`, `lead_id` or `hashes` (of addresses and domains) say what; `leads` are those
    that went with their last address, whose keys go too. `sealed` holds on whose instruction
    and with which reference, under the workspace's key. `attempts` is shown by whoever writes
    progress: a purge that was overtaken while it stood still writes nothing more.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        Index("ix_erasure_open", "requested_at", postgresql_where=text("verified_at IS NULL")),
        Index("ix_erasure_workspace", "workspace_id", "id"),
        # A mailbox that is disconnected twice at once has one order.
        Index(
            "uq_erasure_mailbox",
            "mailbox_id",
            unique=True,
            postgresql_where=text("verified_at IS NULL"),
        ),
    )
    dies = Impersonal("the proof of erasures: ids and keyed hashes, kept beyond the contract")

    id: Mapped[Id]
    workspace_id: Mapped[Big]
    scope: Mapped[str]
    state: Mapped[str]
    mailbox_id: Mapped[Big | None]
    lead_id: Mapped[Big | None]
    hashes: Mapped[list[bytes]] = mapped_column(
        ARRAY(LargeBinary), server_default=text("'{}'::bytea[]")
    )
    leads: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), server_default=text("'{}'::bigint[]")
    )
    tombstones: Mapped[bool] = mapped_column(server_default=text("false"))
    sealed: Mapped[Sealed]
    requested_at: Mapped[Created]
    fenced_at: Mapped[When | None]
    shredded_at: Mapped[When | None]
    verified_at: Mapped[When | None]
    lease_until: Mapped[When | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    removed: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    provider: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    certificate: Mapped[str | None]
