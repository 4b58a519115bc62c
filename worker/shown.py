"""Leads, conversations and messages as the CRM gives them and as it gets them back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mail.address import Address, Domain, Participant
from privacy.contents import AttachmentCard, Body, Head

Reason = Literal["own", "shared_domain", "role_capped", "erased"]


@dataclass(frozen=True, slots=True)
class LeadGiven:
    """A lead as the CRM describes it, in canonical spelling."""

    id: str
    name: str
    addresses: tuple[Address, ...]
    domains: tuple[Domain, ...]


@dataclass(frozen=True, slots=True)
class Ignored:
    """An address or domain of a lead that brings no mail in, and why."""

    value: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class LeadShown:
    """A lead as it is kept."""

    id: str
    name: str
    addresses: tuple[str, ...]
    domains: tuple[str, ...]
    ignored: tuple[Ignored, ...]


@dataclass(frozen=True, slots=True)
class LeadPage:
    """Some leads, and the position behind them if there are more."""

    items: tuple[LeadShown, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class ConversationShown:
    """A conversation in a list; subject of its first mail, start of its newest."""

    id: int
    subject: str
    snippet: str
    message_count: int
    first_at: datetime
    last_at: datetime
    participants: tuple[Participant, ...]


@dataclass(frozen=True, slots=True)
class AttachmentShown:
    """An attachment of a message; `size` in bytes."""

    id: str
    card: AttachmentCard
    size: int
    inline: bool


@dataclass(frozen=True, slots=True)
class MessageShown:
    """A message, whose copies in several mailboxes are one."""

    id: str
    conversation: int
    leads: tuple[str, ...]
    mailboxes: tuple[int, ...]
    outbound: bool
    sent_at: datetime
    head: Head
    body: Body
    attachments: tuple[AttachmentShown, ...]


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Some conversations, and last activity and id of the last if there are more."""

    items: tuple[ConversationShown, ...]
    next: tuple[datetime, int] | None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some messages, and time and twin hash of the last if there are more."""

    items: tuple[MessageShown, ...]
    next: tuple[datetime, bytes] | None
