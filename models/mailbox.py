"""A connected account: its state, its folders, its grant and the leases on it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Big, Created, Hash, Id, Owner, Personal, Sealed, When
from models.connect import Delegation  # noqa: F401  (its table is referred to)
from models.workspace import InWorkspace

InMailbox = Annotated[int, mapped_column(BigInteger, ForeignKey("mailbox.id"))]


class State(StrEnum):
    """What a mailbox is doing, as the API says it."""

    CONNECTING = "connecting"
    BACKFILLING = "backfilling"
    LIVE = "live"
    PAUSED = "paused"
    REAUTHORIZE = "reauthorize"
    FAILING = "failing"
    DISCONNECTING = "disconnecting"


class Mailbox(Base):
    """A connected account. Raising `generation` is the fence (invariant 3).

    `sealed` holds user, address, host, port, security and username, and the chosen folders.
    `due_at` is when it is to be synced next; `ring` counts calls to sync, so that one that
    comes while a sync runs isn't lost. `paced_until`: its units at the provider are spent, and
    no past mail is fetched before. `watch_due_at` is when its push notifications are renewed,
    and `push_hash` is of the address that they name, under a master key: they know no workspace.
    `subject_hash` is of the provider's name for the account,
    if the person proved it; `delegation_id` is what the access rests on where an administrator
    gave it.
    """

    __tablename__ = "mailbox"
    __table_args__ = (
        Index("ix_mailbox_due", "due_at"),
        Index(
            "ix_mailbox_subject", "subject_hash", postgresql_where=text("subject_hash IS NOT NULL")
        ),
    )
    dies = Personal((Owner.MAILBOX, Owner.WORKSPACE))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace] = mapped_column(index=True)
    generation: Mapped[Big] = mapped_column(server_default="1")
    provider: Mapped[str]
    state: Mapped[str]
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    visibility: Mapped[str] = mapped_column(server_default="private")
    since: Mapped[When | None]
    user_hash: Mapped[Hash]
    address_hash: Mapped[Hash]
    subject_hash: Mapped[Hash | None]
    delegation_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("delegation.id"), index=True
    )
    sealed: Mapped[Sealed]
    due_at: Mapped[When | None]
    last_synced_at: Mapped[When | None]
    problem: Mapped[str | None]
    problem_at: Mapped[When | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    paced_until: Mapped[When | None]
    watch_due_at: Mapped[When | None]
    push_hash: Mapped[Hash | None] = mapped_column(index=True)
    created_at: Mapped[Created]


class MailboxGrant(Base):
    """A mailbox's sealed credentials; `version` is what a refresh compares and swaps.

    `token_hash` is of how the provider names a refresh token when it says that one was revoked.
    """

    __tablename__ = "mailbox_grant"
    __table_args__ = (
        Index(
            "ix_mailbox_grant_token", "token_hash", postgresql_where=text("token_hash IS NOT NULL")
        ),
    )
    dies = Personal((Owner.MAILBOX, Owner.WORKSPACE))

    mailbox_id: Mapped[InMailbox] = mapped_column(primary_key=True)
    workspace_id: Mapped[InWorkspace]
    generation: Mapped[Big]
    version: Mapped[Big] = mapped_column(server_default="1")
    token_hash: Mapped[Hash | None]
    sealed: Mapped[Sealed]


class MailboxWatch(Base):
    """A watch that a provider keeps for a mailbox, or kept: a late ring of an ended one counts.

    `hash` is of the secret that its rings bring, under a master key: they know no workspace.
    `sealed` holds the provider's id for it and `until` when it ends; both are null from before it
    is asked for until the answer is here.
    """

    __tablename__ = "mailbox_watch"
    __table_args__ = (UniqueConstraint("hash"),)
    dies = Personal((Owner.MAILBOX, Owner.WORKSPACE))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace]
    mailbox_id: Mapped[InMailbox] = mapped_column(index=True)
    hash: Mapped[Hash]
    sealed: Mapped[Sealed | None]
    until: Mapped[When | None]
    created_at: Mapped[Created]


class Lease(Base):
    """Who may work on a mailbox until when; a writer shows the epoch it took (invariant 14).

    `kind` is sync (moves cursors), import (stores mail), watch or refresh (asks for a token).
    A dead worker loses it by time, and a stale one can't write under it: the next holder has
    raised `epoch`.
    """

    __tablename__ = "lease"
    dies = Personal((Owner.MAILBOX, Owner.WORKSPACE))

    mailbox_id: Mapped[InMailbox] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[InWorkspace]
    epoch: Mapped[Big]
    until: Mapped[When]


class Folder(Base):
    """A folder of a mailbox and how far it has been covered.

    `hash` is of the provider's key for it; `sealed` holds that key and the name. `mark` is
    the provider's mark at the time when nothing was left to do. `searched_version`: its past
    has been searched for all addresses up to this policy version. `remaining` messages are
    still to be examined by the backfill; null before the first page.
    """

    __tablename__ = "folder"
    __table_args__ = (UniqueConstraint("mailbox_id", "hash"),)
    dies = Personal((Owner.MAILBOX, Owner.WORKSPACE))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace]
    mailbox_id: Mapped[InMailbox]
    generation: Mapped[Big]
    hash: Mapped[Hash]
    sealed: Mapped[Sealed]
    role: Mapped[str]
    selected: Mapped[bool]
    mark: Mapped[str | None]
    cursor: Mapped[str | None]
    searched_version: Mapped[Big]
    remaining: Mapped[Big | None]
    examined: Mapped[Big] = mapped_column(server_default="0")
    checked_at: Mapped[When | None]
