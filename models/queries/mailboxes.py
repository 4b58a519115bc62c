"""Mailboxes: finding them, what is due, their state and problems."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from models.base import AnyRow
from models.mail import Pending
from models.mailbox import Mailbox, MailboxGrant, State

IDLE_STATES = (State.DISCONNECTING, State.REAUTHORIZE)
FETCHABLE = and_(
    Mailbox.state.not_in(IDLE_STATES),
    ~Mailbox.paused,
    # A mailbox with a problem is left alone until its next try is due.
    or_(Mailbox.problem.is_(None), Mailbox.due_at <= func.now()),
)
"""Mail of the mailbox may be fetched now."""
WAITS = and_(
    Pending.mailbox_id == Mailbox.id,
    Pending.reason.is_(None),
    Pending.retry_at <= func.now(),
    # Past mail leaves what there is of a provider's units to live mail.
    or_(Pending.live, Mailbox.paced_until.is_(None), Mailbox.paced_until <= func.now()),
)
"""The mail waits, and is due."""


def add(connection: Connection, **values: Any) -> None:
    """Insert a mailbox; its id was drawn before, because its sealed column is bound to it."""
    connection.execute(insert(Mailbox).values(**values))


def next_id(connection: Connection) -> int:
    """Draw the id of the next mailbox."""
    return int(connection.execute(select(func.nextval("mailbox_id_seq"))).scalar_one())


def find(connection: Connection, mailbox_id: int) -> AnyRow | None:
    """Return a mailbox, or None; one that is being disconnected is found too."""
    return connection.execute(
        select(*Mailbox.__table__.columns).where(Mailbox.id == mailbox_id)
    ).first()


def page(connection: Connection, after: int, limit: int) -> Sequence[AnyRow]:
    """Return the workspace's mailboxes with ids above `after`, in order of id."""
    return connection.execute(
        select(*Mailbox.__table__.columns)
        .where(Mailbox.id > after)
        .order_by(Mailbox.id)
        .limit(limit)
    ).all()


def ids_matching(
    connection: Connection, user_hash: bytes | None, provider: str | None
) -> list[int]:
    """Return ids of the connected mailboxes of a user, of a provider, or of all."""
    query = select(Mailbox.id).where(Mailbox.state != State.DISCONNECTING)
    if user_hash is not None:
        query = query.where(Mailbox.user_hash == user_hash)
    if provider is not None:
        query = query.where(Mailbox.provider == provider)
    return list(connection.scalars(query.order_by(Mailbox.id)))


def connected_as(connection: Connection, user_hash: bytes, address_hash: bytes) -> int | None:
    """Return the id of the mailbox that this user connected for this address, or None."""
    return connection.scalar(
        select(Mailbox.id).where(
            Mailbox.user_hash == user_hash,
            Mailbox.address_hash == address_hash,
            Mailbox.state != State.DISCONNECTING,
        )
    )


def change(connection: Connection, mailbox_id: int, **values: Any) -> int:
    """Change a mailbox that isn't being disconnected; return how many rows changed."""
    return connection.execute(
        update(Mailbox)
        .where(Mailbox.id == mailbox_id, Mailbox.state != State.DISCONNECTING)
        .values(**values)
    ).rowcount


def put_grant(connection: Connection, **values: Any) -> None:
    """Insert a mailbox's grant."""
    connection.execute(insert(MailboxGrant).values(**values))


def grant(connection: Connection, mailbox_id: int) -> AnyRow | None:
    """Return a mailbox's grant, or None."""
    return connection.execute(
        select(*MailboxGrant.__table__.columns).where(MailboxGrant.mailbox_id == mailbox_id)
    ).first()


def grant_version(connection: Connection, mailbox_id: int) -> int | None:
    """Return the version of a mailbox's grant, which every renewal raises; None without one."""
    return connection.scalar(
        select(MailboxGrant.version).where(MailboxGrant.mailbox_id == mailbox_id)
    )


def ring(connection: Connection, mailbox_ids: Sequence[int]) -> list[int]:
    """Make mailboxes due now, where they may be synced; return which."""
    return list(
        connection.scalars(
            update(Mailbox)
            .where(
                Mailbox.id.in_(mailbox_ids),
                Mailbox.state.not_in(IDLE_STATES),
                ~Mailbox.paused,
            )
            .values(due_at=func.now())
            .returning(Mailbox.id)
        )
    )


def ring_workspace(connection: Connection) -> list[int]:
    """Make all of the workspace's mailboxes due now; return which."""
    return list(
        connection.scalars(
            update(Mailbox)
            .where(Mailbox.state.not_in(IDLE_STATES), ~Mailbox.paused)
            .values(due_at=func.now())
            .returning(Mailbox.id)
        )
    )


def due_for_sync(connection: Connection, limit: int) -> list[int]:
    """Return ids of the mailboxes to be synced now, the longest due first."""
    return list(
        connection.scalars(
            select(Mailbox.id)
            .where(
                Mailbox.due_at <= func.now(),
                Mailbox.state.not_in(IDLE_STATES),
                ~Mailbox.paused,
            )
            .order_by(Mailbox.due_at)
            .limit(limit)
        )
    )


def due_for_import(connection: Connection, limit: int) -> list[int]:
    """Return ids of the mailboxes with mail that waits to be fetched now."""
    waits = exists(select(1).where(WAITS))
    return list(connection.scalars(select(Mailbox.id).where(FETCHABLE, waits).limit(limit)))


def begin_sync(connection: Connection, mailbox_id: int, again: timedelta) -> AnyRow | None:
    """Put off the next sync and return the mailbox; None if it isn't due or may not be synced.

    So of many messages for one mailbox, as a backlog gathers them, only the first is work. It
    is put off only for as long as a dead worker keeps the lease, so that a killed sync is
    taken up again; `end_sync` puts it off to the next poll.
    """
    return connection.execute(
        update(Mailbox)
        .where(
            Mailbox.id == mailbox_id,
            Mailbox.due_at <= func.now(),
            Mailbox.state.not_in(IDLE_STATES),
            ~Mailbox.paused,
        )
        .values(due_at=func.now() + again)
        .returning(*Mailbox.__table__.columns)
    ).first()


def end_sync(connection: Connection, mailbox_id: int, due_at: datetime, poll: timedelta) -> bool:
    """Put off the next sync to the next poll; tell whether a ring came during this one.

    `due_at` is what `begin_sync` returned; a ring has changed it.
    """
    put_off = connection.execute(
        update(Mailbox)
        .where(Mailbox.id == mailbox_id, Mailbox.due_at == due_at)
        .values(due_at=func.now() + poll)
    ).rowcount
    return not put_off


def pace(connection: Connection, mailbox_id: int, wait: timedelta) -> None:
    """Fetch no past mail for a while; the next sync is as due as it was."""
    change(connection, mailbox_id, paced_until=func.now() + wait)


def note_watch(connection: Connection, mailbox_id: int, due_at: datetime, push_hash: bytes) -> None:
    """Write when a mailbox's push notifications are to be renewed, and what finds it by them."""
    change(connection, mailbox_id, watch_due_at=due_at, push_hash=push_hash)


def ring_pushed(connection: Connection, hashes: Sequence[bytes]) -> list[int]:
    """Make the mailboxes due that a push notification names; return which."""
    return list(
        connection.scalars(
            update(Mailbox)
            .where(
                Mailbox.push_hash.in_(hashes),
                Mailbox.state.not_in(IDLE_STATES),
                ~Mailbox.paused,
            )
            .values(due_at=func.now())
            .returning(Mailbox.id)
        )
    )


def hold_live(connection: Connection, mailbox_id: int, generation: int) -> bool:
    """Keep the mailbox from being fenced until commit; False if it already is, or is paused."""
    return (
        connection.scalar(
            select(Mailbox.id).where(*is_live(mailbox_id, generation)).with_for_update(read=True)
        )
        is not None
    )


def hold_to_change(connection: Connection, mailbox_id: int, generation: int) -> bool:
    """Keep the mailbox to this transaction, which changes it; False if `hold_live` would be.

    Taken at once: two that shared the row first would wait for each other.
    """
    held = select(Mailbox.id).where(*is_live(mailbox_id, generation))
    return connection.scalar(held.with_for_update(key_share=True)) is not None


def is_live(mailbox_id: int, generation: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a job may write for a mailbox."""
    return (
        Mailbox.id == mailbox_id,
        Mailbox.generation == generation,
        Mailbox.state != State.DISCONNECTING,
        ~Mailbox.paused,
    )


def fetchable(connection: Connection, mailbox_id: int) -> AnyRow | None:
    """Return a mailbox whose mail may be fetched now, or None."""
    return connection.execute(
        select(*Mailbox.__table__.columns).where(Mailbox.id == mailbox_id, FETCHABLE)
    ).first()


def has_waiting(connection: Connection, mailbox_id: int) -> bool:
    """Tell whether mail of the mailbox waits to be fetched now, and it may be worked on."""
    return bool(
        connection.scalar(
            select(
                exists(
                    select(1)
                    .select_from(Pending)
                    .join(Mailbox, WAITS)
                    .where(Mailbox.id == mailbox_id, FETCHABLE)
                )
            )
        )
    )


def hold_account(connection: Connection, workspace_id: int, account: bytes) -> None:
    """Keep everyone else from connecting the same account until commit."""
    number = int.from_bytes(hashlib.sha256(account).digest()[:8], "big", signed=True)
    connection.execute(select(func.pg_advisory_xact_lock(number ^ workspace_id)))
