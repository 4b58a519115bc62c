"""Leads, what makes a mail theirs, and the marks that keep an erased person from coming back."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
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
)
from models.workspace import InWorkspace


class Lead(Base):
    """A prospect or customer of the CRM.

    `hash` is of the CRM's own id; `sealed` holds that id and the name, under the lead's key.
    """

    __tablename__ = "lead"
    __table_args__ = (UniqueConstraint("workspace_id", "hash"),)
    dies = Personal((Owner.LEAD, Owner.WORKSPACE))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace]
    hash: Mapped[Hash]
    sealed: Mapped[Sealed]
    updated_at: Mapped[Created]


class LeadAddress(Base):
    """An address or a domain of a lead; a mail is the lead's through it and nothing else.

    `added_version` is the policy version that brought it: folders whose past was searched
    only up to an earlier version are searched for it. `capped`: it gathered more mail than a
    role address may, and takes no more (F16). `inert` is why it matches nothing: it is the
    workspace's own, or a domain that many share.
    """

    __tablename__ = "lead_address"
    __table_args__ = (
        UniqueConstraint("lead_id", "kind", "hash"),
        Index("ix_lead_address_hash", "workspace_id", "hash"),
        Index("ix_lead_address_version", "workspace_id", "added_version"),
    )
    dies = Personal((Owner.LEAD, Owner.WORKSPACE))

    id: Mapped[Id]
    workspace_id: Mapped[InWorkspace]
    lead_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("lead.id", ondelete="CASCADE"))
    kind: Mapped[str]
    hash: Mapped[Hash]
    sealed: Mapped[Sealed]
    role: Mapped[bool]
    capped: Mapped[bool]
    inert: Mapped[str | None]
    added_version: Mapped[Big]


class Tombstone(Base):
    """The keyed hash of an erased address: the database refuses mail that names it."""

    __tablename__ = "tombstone"
    dies = Impersonal("a keyed hash that keeps an erased person from coming back")

    workspace_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[Hash] = mapped_column(primary_key=True)
    created_at: Mapped[Created]
