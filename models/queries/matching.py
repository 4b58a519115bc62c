"""What makes a mail a lead's: the join that every reader and every purge shares."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, or_, select

from models.lead import LeadAddress, Tombstone
from models.mail import Mail, Participant
from models.mailbox import Mailbox, State
from models.workspace import PolicyRule


def names(participant: type[Participant] = Participant) -> ColumnElement[bool]:
    """Return the condition that an active address or domain of a lead names a participant."""
    return and_(
        LeadAddress.workspace_id == participant.workspace_id,
        LeadAddress.inert.is_(None),
        or_(
            and_(LeadAddress.kind == "address", LeadAddress.hash == participant.address_hash),
            and_(LeadAddress.kind == "domain", LeadAddress.hash == participant.domain_hash),
        ),
    )


def is_justified() -> ColumnElement[bool]:
    """Return the condition that some lead justifies keeping the mail."""
    return exists(
        select(1)
        .select_from(Participant)
        .join(LeadAddress, names())
        .where(Participant.mail_id == Mail.id)
    )


def is_live() -> ColumnElement[bool]:
    """Return the condition that the mail's mailbox stands at the mail's generation.

    It is what makes a disconnected mailbox unreadable at once, before any row is deleted.
    """
    return exists(
        select(1)
        .select_from(Mailbox)
        .where(
            Mailbox.id == Mail.mailbox_id,
            Mailbox.generation == Mail.generation,
            Mailbox.state != State.DISCONNECTING,
        )
    )


def is_unbarred() -> ColumnElement[bool]:
    """Return the condition that the mail names nobody who was erased or is blocked.

    It is what makes an erased person unreadable at once, in a lead's mail too.
    """
    erased = exists(
        select(1).where(
            Participant.mail_id == Mail.id,
            Tombstone.workspace_id == Participant.workspace_id,
            Tombstone.hash == Participant.address_hash,
        )
    )
    blocked = exists(
        select(1).where(
            Participant.mail_id == Mail.id,
            PolicyRule.workspace_id == Participant.workspace_id,
            or_(
                and_(
                    PolicyRule.kind == "blocked_address",
                    PolicyRule.hash == Participant.address_hash,
                ),
                and_(
                    PolicyRule.kind == "blocked_domain",
                    PolicyRule.hash == Participant.domain_hash,
                ),
            ),
        )
    )
    return and_(~erased, ~blocked)


def is_readable() -> ColumnElement[bool]:
    """Return the condition that every read of mail has: live, a lead's, and nobody barred."""
    return and_(is_live(), is_justified(), is_unbarred())
