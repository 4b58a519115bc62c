"""Watches that providers keep: begun, made longer, ended, and found by the secret of a ring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from models.base import AnyRow
from models.mailbox import MailboxWatch
from models.queries.mailboxes import change


def begin(connection: Connection, workspace_id: int, mailbox_id: int, hash_: bytes) -> int:
    """Write down the secret of a watch that is about to be asked for; return the row's id."""
    return int(
        connection.execute(
            insert(MailboxWatch)
            .values(workspace_id=workspace_id, mailbox_id=mailbox_id, hash=hash_)
            .returning(MailboxWatch.id)
        ).scalar_one()
    )


def drop(connection: Connection, watch_id: int) -> None:
    """Forget a watch that the provider refused to begin."""
    connection.execute(delete(MailboxWatch).where(MailboxWatch.id == watch_id))


def keep(connection: Connection, watch_id: int, sealed: bytes, until: datetime) -> None:
    """Write down what the provider calls a watch, and until when it rings."""
    connection.execute(
        update(MailboxWatch).where(MailboxWatch.id == watch_id).values(sealed=sealed, until=until)
    )


def prolong(connection: Connection, watch_id: int, until: datetime) -> None:
    """Write down that a watch rings longer."""
    connection.execute(update(MailboxWatch).where(MailboxWatch.id == watch_id).values(until=until))


def end(connection: Connection, watch_id: int) -> None:
    """Write down that a watch has ended; what it still rings for counts."""
    connection.execute(
        update(MailboxWatch)
        .where(
            MailboxWatch.id == watch_id,
            or_(MailboxWatch.until.is_(None), MailboxWatch.until > func.now()),
        )
        .values(until=func.now())
    )


def held(connection: Connection, mailbox_id: int) -> Sequence[AnyRow]:
    """Return the watches of a mailbox that haven't ended, the newest first."""
    return connection.execute(
        select(*MailboxWatch.__table__.columns)
        .where(
            MailboxWatch.mailbox_id == mailbox_id,
            MailboxWatch.sealed.is_not(None),
            MailboxWatch.until > func.now(),
        )
        .order_by(MailboxWatch.id.desc())
    ).all()


def find(connection: Connection, hashes: Sequence[bytes]) -> Sequence[AnyRow]:
    """Return watches, ended ones too, by the hashes of their secrets; over all workspaces."""
    return connection.execute(
        select(MailboxWatch.id, MailboxWatch.mailbox_id, MailboxWatch.hash).where(
            MailboxWatch.hash.in_(hashes)
        )
    ).all()


def care(connection: Connection, mailbox_id: int) -> None:
    """Have the next sync of a mailbox see to its watch."""
    change(connection, mailbox_id, watch_due_at=func.now())


def forget(connection: Connection, late: timedelta, longest: timedelta) -> int:
    """Delete watches that can't ring any more, over all workspaces; return how many.

    A ring may come `late`; one whose answer never came lasts `longest`.
    """
    over = func.coalesce(MailboxWatch.until, MailboxWatch.created_at + longest)
    return connection.execute(delete(MailboxWatch).where(over < func.now() - late)).rowcount
