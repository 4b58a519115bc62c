"""Keys of mails that were never stored: whoever made them died before the mail's commit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, any_, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from models.base import AnyRow
from models.mail import Mail
from models.vault import MailboxKey, MessageKey

Position = tuple[datetime, int]
"""When a key was made, and its mail's id."""


def keys_after(
    connection: Connection, position: Position, older_than: timedelta, limit: int
) -> Sequence[AnyRow]:
    """Return keys behind a position that are old enough, in the order they were made."""
    return connection.execute(
        select(
            MessageKey.mail_id,
            MessageKey.workspace_id,
            MessageKey.mailbox_id,
            MessageKey.created_at,
        )
        .where(
            tuple_(MessageKey.created_at, MessageKey.mail_id) > tuple_(*position),
            MessageKey.created_at < func.now() - older_than,
        )
        .order_by(MessageKey.created_at, MessageKey.mail_id)
        .limit(limit)
    ).all()


def mailboxes(connection: Connection) -> list[int]:
    """Return ids of the workspace's mailboxes that have a key."""
    return list(connection.scalars(select(MailboxKey.mailbox_id).order_by(MailboxKey.mailbox_id)))


def keys_of_mailbox(
    connection: Connection, mailbox_id: int, before: datetime, after: int, limit: int
) -> list[int]:
    """Return mails, with ids above `after`, whose keys in a mailbox were made before a time."""
    return list(
        connection.scalars(
            select(MessageKey.mail_id)
            .where(
                MessageKey.mailbox_id == mailbox_id,
                MessageKey.mail_id > after,
                MessageKey.created_at < before,
            )
            .order_by(MessageKey.mail_id)
            .limit(limit)
        )
    )


def stored(connection: Connection, mail_ids: Collection[int]) -> set[int]:
    """Return those of the mails that are stored."""
    ids = bindparam("mails", list(mail_ids), ARRAY(BigInteger))
    return set(connection.scalars(select(Mail.id).where(Mail.id == any_(ids))))
