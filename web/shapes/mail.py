"""Leads, conversations and messages as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from web.shapes.common import Given, Short, Text, Texts, Time


class LeadIn(Given):
    """A lead without its id."""

    name: Annotated[Text, Field(max_length=500)] = ""
    addresses: Texts = Field(default_factory=list)
    domains: Texts = Field(default_factory=list)


class LeadInList(LeadIn):
    """A lead in a list."""

    id: Short


class LeadsIn(Given):
    """Many leads, all taken or none."""

    items: Annotated[list[LeadInList], Field(max_length=1000)]


class IgnoredOut(BaseModel):
    """An address or domain of a lead that brings in no mail, and why."""

    value: str
    reason: Literal["own", "shared_domain", "role_capped", "erased"]


class LeadOut(BaseModel):
    """A lead as it is kept."""

    id: str
    name: str
    addresses: list[str]
    domains: list[str]
    ignored: list[IgnoredOut]


class Person(BaseModel):
    """Someone a mail names."""

    name: str
    address: str


class ConversationOut(BaseModel):
    """A conversation: its first subject, the start of its newest message."""

    id: str
    subject: str
    snippet: str
    message_count: int
    first_at: Time
    last_at: Time
    participants: list[Person]


class AttachmentOut(BaseModel):
    """An attachment; `size` in bytes; `content_id` is what `cid:` in the HTML refers to."""

    id: str
    filename: str
    content_type: str
    size: int
    inline: bool
    content_id: str


class MessageOut(BaseModel):
    """A message; its copies in several mailboxes are one."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    conversation: str
    leads: list[str]
    mailboxes: list[str]
    direction: Literal["inbound", "outbound"]
    message_id: str
    date: Time
    sent_from: Person | None = Field(serialization_alias="from")
    to: list[Person]
    cc: list[Person]
    bcc: list[Person]
    subject: str
    text: str
    new_text: str
    html: str
    attachments: list[AttachmentOut]
