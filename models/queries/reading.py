"""Reading the leads' mail: every select here has the one condition of what is readable."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from models.base import AnyRow
from models.lead import LeadAddress
from models.mail import Attachment, Conversation, Mail, MailRaw, Participant
from models.queries.matching import is_readable, names

SHOWN_OF_A_CONVERSATION = 20
"""Newest mails of a conversation, beside its first, whose people are listed with it."""


def conversations(
    connection: Connection, lead_id: int, after: tuple[datetime, int] | None, limit: int
) -> Sequence[AnyRow]:
    """Return a lead's conversations: id, number of messages, first and last; newest first."""
    of_lead = (
        select(Mail.conversation_id)
        .select_from(LeadAddress)
        .join(Participant, names())
        .join(Mail, Mail.id == Participant.mail_id)
        .where(LeadAddress.lead_id == lead_id, is_readable())
        .distinct()
    )
    last = func.max(Mail.sent_at)
    query = (
        select(
            Mail.conversation_id.label("id"),
            func.count(Mail.twin.distinct()).label("message_count"),
            func.min(Mail.sent_at).label("first_at"),
            last.label("last_at"),
        )
        .where(Mail.conversation_id.in_(of_lead), is_readable())
        .group_by(Mail.conversation_id)
        .order_by(last.desc(), Mail.conversation_id.desc())
        .limit(limit)
    )
    if after is not None:
        moment, id_ = after
        query = query.having(
            or_(last < moment, and_(last == literal(moment), Mail.conversation_id < id_))
        )
    return connection.execute(query).all()


def heads(connection: Connection, conversation_ids: Collection[int]) -> Sequence[AnyRow]:
    """Return the sealed heads of each conversation's first and newest mails, oldest first."""
    order = (Mail.sent_at, Mail.id)
    ranked = (
        select(
            Mail.id,
            Mail.generation,
            Mail.conversation_id,
            Mail.sent_at,
            Mail.head,
            func.row_number()
            .over(partition_by=Mail.conversation_id, order_by=order)
            .label("from_first"),
            func.row_number()
            .over(
                partition_by=Mail.conversation_id,
                order_by=(Mail.sent_at.desc(), Mail.id.desc()),
            )
            .label("from_last"),
        )
        .where(Mail.conversation_id.in_(conversation_ids), is_readable())
        .subquery()
    )
    return connection.execute(
        select(ranked.c.id, ranked.c.generation, ranked.c.conversation_id, ranked.c.head)
        .where(or_(ranked.c.from_first == 1, ranked.c.from_last <= SHOWN_OF_A_CONVERSATION))
        .order_by(ranked.c.sent_at, ranked.c.id)
    ).all()


def standing_conversation(connection: Connection, conversation_id: int) -> int | None:
    """Return the conversation itself, or the one that took it in; None if there is neither."""
    chain = (
        select(Conversation.id, Conversation.merged_into, literal(0).label("step"))
        .where(Conversation.id == conversation_id)
        .cte("chain", recursive=True)
    )
    chain = chain.union_all(
        select(Conversation.id, Conversation.merged_into, chain.c.step + 1)
        .join(chain, chain.c.merged_into == Conversation.id)
        .where(chain.c.step < 1000)
    )
    return connection.scalar(select(chain.c.id).order_by(chain.c.step.desc()).limit(1))


def messages_of(
    connection: Connection, conversation_id: int, after: tuple[datetime, bytes] | None, limit: int
) -> Sequence[AnyRow]:
    """Return a conversation's messages, each with its copies' ids, oldest first."""
    first = func.min(Mail.sent_at)
    query = copies().where(Mail.conversation_id == conversation_id)
    if after is not None:
        query = query.having(tuple_(first, Mail.twin) > tuple_(*map(literal, after)))
    return connection.execute(query.order_by(first, Mail.twin).limit(limit)).all()


def message(connection: Connection, twin: bytes) -> AnyRow | None:
    """Return one message with its copies' ids, or None."""
    return connection.execute(copies().where(Mail.twin == twin)).first()


def copies() -> Select[*tuple[Any, ...]]:
    """Select messages: all readable copies of one mail together."""
    return (
        select(
            Mail.twin,
            func.min(Mail.sent_at).label("sent_at"),
            func.max(Mail.conversation_id).label("conversation_id"),
            func.array_agg(aggregate_order_by(Mail.id, Mail.id)).label("mail_ids"),
            func.array_agg(aggregate_order_by(Mail.mailbox_id, Mail.id)).label("mailbox_ids"),
            func.bool_or(Mail.outbound).label("outbound"),
        )
        .where(is_readable())
        .group_by(Mail.twin)
    )


def contents(connection: Connection, mail_ids: Collection[int]) -> dict[int, AnyRow]:
    """Return the sealed head and body of mails that are readable, by id."""
    rows = connection.execute(
        select(Mail.id, Mail.generation, Mail.head, Mail.body).where(
            Mail.id.in_(mail_ids), is_readable()
        )
    )
    return {row.id: row for row in rows}


def attachments(connection: Connection, mail_ids: Collection[int]) -> Sequence[AnyRow]:
    """Return the attachments of mails, in their order within each."""
    return connection.execute(
        select(
            Attachment.mail_id,
            Attachment.part,
            Attachment.generation,
            Attachment.size,
            Attachment.inline,
            Attachment.sealed,
        )
        .where(Attachment.mail_id.in_(mail_ids))
        .order_by(Attachment.mail_id, func.string_to_array(Attachment.part, "."))
    ).all()


def leads_of(connection: Connection, mail_ids: Collection[int]) -> Sequence[AnyRow]:
    """Return pairs of mail and lead: whose the mails are."""
    return connection.execute(
        select(Participant.mail_id, LeadAddress.lead_id)
        .join(LeadAddress, names())
        .where(Participant.mail_id.in_(mail_ids))
        .distinct()
        .order_by(Participant.mail_id, LeadAddress.lead_id)
    ).all()


def raw_chunk(connection: Connection, mail_id: int, chunk: int) -> AnyRow | None:
    """Return a sealed chunk of a readable mail as it came, or None behind its end."""
    return connection.execute(
        select(MailRaw.sealed, MailRaw.generation).where(
            MailRaw.mail_id == mail_id,
            MailRaw.chunk == chunk,
            exists(select(1).select_from(Mail).where(Mail.id == mail_id, is_readable())),
        )
    ).first()
