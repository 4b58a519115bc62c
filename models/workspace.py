"""A workspace (a Client of the CRM), its policy and who may speak for it."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import (
    Base,
    Big,
    Created,
    Hash,
    Id,
    Impersonal,
    Owner,
    Personal,
    Sealed,
    When,
)

InWorkspace = Annotated[int, mapped_column(BigInteger, ForeignKey("workspace.id"))]


class Workspace(Base):
    """A Client of the CRM: everything else belongs to one.

    `sealed` holds the name. `mirror_removals`: mail removed upstream is removed here.
    """

    __tablename__ = "workspace"
    dies = Personal((Owner.WORKSPACE,))

    id: Mapped[Id]
    sealed: Mapped[Sealed | None]
    mirror_removals: Mapped[bool] = mapped_column(server_default=text("true"))
    role_cap: Mapped[int] = mapped_column(server_default="200")
    created_at: Mapped[Created]


class Policy(Base):
    """The number that every change of what concerns a lead raises, under its row lock.

    Writers of mail state the version they decided under; the database refuses an older one.
    It is a table of its own because the raise waits for all open writers of the workspace.
    """

    __tablename__ = "policy"
    dies = Personal((Owner.WORKSPACE,))

    workspace_id: Mapped[InWorkspace] = mapped_column(primary_key=True)
    version: Mapped[Big] = mapped_column(server_default="1")


class PolicyRule(Base):
    """An address or domain that is the workspace's own, or that is never stored.

    `kind` is own_address, own_domain, blocked_address or blocked_domain.
    """

    __tablename__ = "policy_rule"
    __table_args__ = (UniqueConstraint("workspace_id", "kind", "hash"),)
    dies = Personal((Owner.WORKSPACE,))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace]
    kind: Mapped[str]
    hash: Mapped[Hash]
    sealed: Mapped[Sealed]


class ApiKey(Base):
    """A key of the API, kept only as the SHA-256 of its 256 random bits."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("hash"),)
    dies = Personal((Owner.WORKSPACE,))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace] = mapped_column(index=True)
    scope: Mapped[str]
    hash: Mapped[Hash]
    created_at: Mapped[Created]
    revoked_at: Mapped[When | None]


class SignIn(Base):
    """A one-time sign-in link or a session of the console, kept as a hash; `kind` says which."""

    __tablename__ = "sign_in"
    __table_args__ = (UniqueConstraint("hash"),)
    dies = Personal((Owner.WORKSPACE,))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace] = mapped_column(index=True)
    kind: Mapped[str]
    hash: Mapped[Hash]
    expires_at: Mapped[When]


class IdempotentAnswer(Base):
    """The sealed answer to a POST with an Idempotency-Key, kept for a day."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (UniqueConstraint("workspace_id", "hash"),)
    dies = Personal((Owner.WORKSPACE,))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace]
    hash: Mapped[Hash]
    request: Mapped[Hash]
    status: Mapped[int | None]
    sealed: Mapped[Sealed | None]
    created_at: Mapped[Created]


class Change(Base):
    """One line of what happened to a workspace's mail and mailboxes, for `/v1/changes`.

    `xact` is the writing transaction: a reader goes only as far as all earlier transactions
    have ended, so that no line is overtaken. `subject` is an opaque id, as the API shows it.
    """

    __tablename__ = "change"
    dies = Impersonal("opaque ids and times only; kept 30 days, so that the CRM can follow")

    id: Mapped[Id]
    workspace_id: Mapped[Big] = mapped_column(index=True)
    xact: Mapped[Big] = mapped_column(server_default=text("(pg_current_xact_id()::text)::bigint"))
    at: Mapped[Created]
    kind: Mapped[str]
    subject: Mapped[str]


class Activity(Base):
    """How many lead mails a user sent and received on a day; names no correspondent.

    `incarnation` tells the connections of one account apart: a mailbox that is connected
    again counts its past again, and the larger count of a day is the true one.
    """

    __tablename__ = "activity"
    dies = Impersonal("counts per user and day; names no correspondent, survives erasures")

    workspace_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    user_hash: Mapped[Hash] = mapped_column(primary_key=True)
    account_hash: Mapped[Hash] = mapped_column(primary_key=True)
    incarnation: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True)
    sealed_user: Mapped[Sealed]
    sent: Mapped[int]
    received: Mapped[int]
