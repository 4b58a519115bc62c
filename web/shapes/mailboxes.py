"""Mailboxes as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from web.shapes.common import Given, Short, Text, Time


class MailboxIn(Given):
    """An IMAP mailbox to connect, with a password or an access token."""

    provider: Literal["imap"]
    user: Short
    address: Annotated[Text, Field(min_length=3, max_length=500)]
    host: Annotated[Text, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535)] = 993
    security: Literal["tls", "starttls", "plain"] = "tls"
    username: Annotated[Text, Field(min_length=1, max_length=500)]
    password: Annotated[Text, Field(min_length=1, max_length=2000)] | None = None
    access_token: Annotated[Text, Field(min_length=1, max_length=8000)] | None = None
    since: AwareDatetime | None = None
    folders: Annotated[list[Short], Field(min_length=1, max_length=500)] | None = None


class MailboxPatch(Given):
    """What to change of a mailbox; a field that is left out stays."""

    paused: bool = False
    folders: Annotated[list[Short], Field(min_length=1, max_length=500)] | None = None
    since: AwareDatetime | None = None
    visibility: Literal["private", "shared"] = "private"


class ProgressOut(BaseModel):
    """How far a mailbox is: folders covered, mails looked at, stored, waiting, put aside."""

    folders_total: int
    folders_done: int
    examined: int
    stored: int
    remaining: int
    waiting: int
    parked: int


class ProblemOut(BaseModel):
    """What is wrong with a mailbox, and what its user can do."""

    code: str
    message: str
    action: str


class MailboxOut(BaseModel):
    """A mailbox; user and address are null once it is being disconnected."""

    id: str
    user: str | None
    provider: str
    address: str | None
    state: Literal[
        "connecting", "backfilling", "live", "paused", "reauthorize", "failing", "disconnecting"
    ]
    progress: ProgressOut
    last_synced_at: Time | None
    problem: ProblemOut | None
    since: Time | None
    folders: list[str] | None
    visibility: str


class SyncOut(BaseModel):
    """Whether the mailbox is synced now; one that is paused or needs its user isn't."""

    rung: bool


class ParkedOut(BaseModel):
    """A mail that couldn't be taken in: its place at the provider, bytes, and why."""

    id: str
    ref: str
    size: int
    reason: str
    parked_at: Time


class RetriedOut(BaseModel):
    """How many parked mails are tried again."""

    retried: int


class RevocationIn(Given):
    """Whose mailboxes are disconnected: a user's, a provider's or all."""

    user: Short | None = None
    provider: Short | None = None
    all: Literal[True] | None = None
    instructed_by: Short
    reference: Short


class RevokedOut(BaseModel):
    """A mailbox that is being disconnected, and its erasure."""

    mailbox: str
    erasure: str


class RevocationOut(BaseModel):
    """The mailboxes that a revocation disconnects."""

    items: list[RevokedOut]
