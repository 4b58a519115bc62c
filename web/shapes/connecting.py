"""Connecting as JSON: links for people, where they return to, and delegations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from web.shapes.common import Given, Short, Text, Time

MailAddress = Annotated[Text, Field(min_length=3, max_length=500)]


class ConnectIn(Given):
    """For whom a mailbox is to be connected, and where the browser returns to."""

    user: Short
    return_url: Annotated[Text, Field(min_length=1, max_length=2000)]
    provider: Literal["gmail", "graph", "outlook-imap", "imap"] | None = None
    address: MailAddress | None = None
    since: AwareDatetime | None = None


class ConnectOut(BaseModel):
    """The page to send the user's browser to, good once until then."""

    connect_url: str
    expires_at: Time


class IntegrationIn(Given):
    """Where browsers may return to, compared letter by letter; replaces all before."""

    return_urls: Annotated[list[Annotated[Text, Field(max_length=2000)]], Field(max_length=20)]


class IntegrationOut(BaseModel):
    """Where browsers may return to, and what this installation is registered with."""

    return_urls: list[str]
    providers: list[str]
    redirect_uri: str


class DelegatedUser(Given):
    """A user of the CRM and the address of the mailbox."""

    user: Short
    address: MailAddress


class DelegationIn(Given):
    """A key, and each user whose mailbox it is to read.

    At Google that of a service account, as its file has it; at Microsoft `tenant`, `client_id`,
    and `client_secret`, or `private_key` and `public_certificate` in PEM.
    """

    provider: Literal["gmail", "graph"]
    key: Annotated[dict[str, Any], Field(max_length=40)]
    users: Annotated[list[DelegatedUser], Field(min_length=1, max_length=500)]
    since: AwareDatetime | None = None


class DelegatedOut(BaseModel):
    """A mailbox that was connected by a delegation."""

    mailbox: str
    user: str
    address: str


class DelegationMadeOut(BaseModel):
    """The delegation, and its mailboxes in the order that was given."""

    id: str
    mailboxes: list[DelegatedOut]


class DelegationOut(BaseModel):
    """A delegation; its key is shown to nobody."""

    id: str
    provider: str
    created_at: Time
    mailboxes: int


class DelegationEndedOut(BaseModel):
    """The erasures of the mailboxes that rested on it."""

    erasures: list[str]
