"""How mailboxes come to be connected: links for people, attempts at a provider, delegations."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Created, Hash, Id, Impersonal, Owner, Personal, Sealed, When
from models.workspace import InWorkspace


class Integration(Base):
    """Where a workspace's CRM is; `sealed` holds the addresses that browsers may return to."""

    __tablename__ = "integration"
    dies = Personal((Owner.WORKSPACE,))

    workspace_id: Mapped[InWorkspace] = mapped_column(primary_key=True)
    sealed: Mapped[Sealed]


class ConnectLink(Base):
    """A page where a person connects a mailbox, or the one that is named anew.

    `hash` is of the secret in its address, keyed by a master key. `sealed` holds the CRM's user,
    where to return to and what was wished. It ends once a mailbox is connected, or by time.
    """

    __tablename__ = "connect_link"
    __table_args__ = (UniqueConstraint("hash"),)
    dies = Personal((Owner.MAILBOX, Owner.WORKSPACE))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace] = mapped_column(index=True)
    mailbox_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("mailbox.id"), index=True)
    hash: Mapped[Hash]
    sealed: Mapped[Sealed]
    expires_at: Mapped[When] = mapped_column(index=True)
    created_at: Mapped[Created]


class ConnectAttempt(Base):
    """One way to a provider and back: good once, for ten minutes, in one browser.

    `hash` is of the state, `browser` of the browser's own secret, both keyed by a master key;
    `sealed` holds the flow's secrets. An answered one stays until its time is over, so that a
    second answer is told from a forged one.
    """

    __tablename__ = "connect_attempt"
    __table_args__ = (UniqueConstraint("hash"),)
    dies = Personal((Owner.MAILBOX, Owner.WORKSPACE))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace] = mapped_column(index=True)
    mailbox_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("mailbox.id"), index=True)
    provider: Mapped[str]
    hash: Mapped[Hash]
    browser: Mapped[Hash]
    sealed: Mapped[Sealed]
    expires_at: Mapped[When] = mapped_column(index=True)
    answered_at: Mapped[When | None]


class Delegation(Base):
    """A service account's key that an administrator gave for named users, sealed."""

    __tablename__ = "delegation"
    dies = Personal((Owner.WORKSPACE,))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace] = mapped_column(index=True)
    provider: Mapped[str]
    sealed: Mapped[Sealed]
    created_at: Mapped[Created]


class SecurityEvent(Base):
    """A provider's event that was heard, so that it isn't heard twice."""

    __tablename__ = "security_event"
    dies = Impersonal("a hash of an event's random id; kept for the time that one may be repeated")

    hash: Mapped[Hash] = mapped_column(primary_key=True)
    heard_at: Mapped[Created]
