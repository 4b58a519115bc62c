"""Erasures, statistics, changes and the policy as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from web.shapes.common import Given, Short, Text, Texts, Time


class ErasureIn(Given):
    """What to erase (one of four), on whose instruction, and their reference for it."""

    address: Annotated[Text, Field(min_length=1, max_length=500)] | None = None
    lead: Short | None = None
    mailbox: Short | None = None
    workspace: Literal[True] | None = None
    instructed_by: Short
    reference: Short


class ErasureId(BaseModel):
    """An erasure that was ordered."""

    id: str


class ErasureOut(BaseModel):
    """How far an erasure is; `removed` counts rows by table, and keys."""

    id: str
    scope: str
    state: Literal["fenced", "purging", "verified"]
    removed: dict[str, int]
    requested_at: Time
    fenced_at: Time | None
    verified_at: Time | None


class CertificateKeyOut(BaseModel):
    """The public key that certificates are checked with."""

    algorithm: Literal["Ed25519"]
    public_key: str
    pem: str


class ActivityOut(BaseModel):
    """Mails that a user sent to and received from leads on a day (UTC)."""

    user: str
    day: str
    sent: int
    received: int


class Blocked(Given):
    """Addresses and domains whose mail is never stored."""

    addresses: Texts = Field(default_factory=list)
    domains: Texts = Field(default_factory=list)


class PolicyShape(Given):
    """What a workspace has decided about its mail."""

    own_addresses: Texts = Field(default_factory=list)
    own_domains: Texts = Field(default_factory=list)
    blocked: Blocked = Field(default_factory=Blocked)
    role_cap: Annotated[int, Field(ge=0, le=1_000_000)] = 200
    mirror_removals: bool = True


class ChangeOut(BaseModel):
    """One thing that happened; `id` names the message or mailbox it happened to.

    `cursor` is the position behind it.
    """

    kind: str
    id: str
    at: Time
    cursor: str
