"""Grants: read with their mailbox's state, swapped by version, found by keyed hashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from models.base import AnyRow
from models.connect import Delegation
from models.mailbox import Mailbox, MailboxGrant, State


def read(connection: Connection, mailbox_id: int) -> AnyRow | None:
    """Return a grant with its mailbox's state, sealed card and delegation, or None."""
    return connection.execute(
        select(
            *MailboxGrant.__table__.columns,
            Mailbox.state,
            Mailbox.delegation_id,
            Mailbox.sealed.label("sealed_card"),
        )
        .join(Mailbox, Mailbox.id == MailboxGrant.mailbox_id)
        .where(MailboxGrant.mailbox_id == mailbox_id)
    ).first()


def swap(
    connection: Connection,
    mailbox_id: int,
    version: int,
    sealed: bytes,
    token_hash: bytes | None = None,
) -> bool:
    """Swap a grant for a newer one if it still is of that version; tell whether it was."""
    return bool(
        connection.execute(
            update(MailboxGrant)
            .where(MailboxGrant.mailbox_id == mailbox_id, MailboxGrant.version == version)
            .values(sealed=sealed, token_hash=token_hash, version=MailboxGrant.version + 1)
        ).rowcount
    )


def renew(
    connection: Connection,
    mailbox_id: int,
    generation: int,
    sealed: bytes,
    token_hash: bytes | None = None,
) -> None:
    """Replace a mailbox's grant by one that the person has just given."""
    connection.execute(
        update(MailboxGrant)
        .where(MailboxGrant.mailbox_id == mailbox_id)
        .values(
            generation=generation,
            sealed=sealed,
            token_hash=token_hash,
            version=MailboxGrant.version + 1,
        )
    )


def hold_version(connection: Connection, mailbox_id: int) -> AnyRow | None:
    """Keep a mailbox's grant from being renewed until commit; return state and version.

    The mailbox's row is locked first, as by whoever renews; the version is read after that.
    """
    held = connection.execute(
        select(Mailbox.id).where(Mailbox.id == mailbox_id).with_for_update()
    ).first()
    return None if held is None else read(connection, mailbox_id)


def of_subject(connection: Connection, subject_hash: bytes) -> list[int]:
    """Return ids of the connected mailboxes of an account, as its provider names it."""
    return list(
        connection.scalars(
            select(Mailbox.id)
            .where(Mailbox.subject_hash == subject_hash, Mailbox.state != State.DISCONNECTING)
            .order_by(Mailbox.id)
        )
    )


def of_token(connection: Connection, token_hash: bytes) -> list[int]:
    """Return ids of the connected mailboxes that a refresh token is of."""
    return list(
        connection.scalars(
            select(Mailbox.id)
            .join(MailboxGrant, MailboxGrant.mailbox_id == Mailbox.id)
            .where(MailboxGrant.token_hash == token_hash, Mailbox.state != State.DISCONNECTING)
            .order_by(Mailbox.id)
        )
    )


def to_remind_of(connection: Connection, every: timedelta, limit: int) -> Sequence[AnyRow]:
    """Return mailbox and workspace of those that have waited so long for their person.

    Of such a mailbox, `due_at` is when the CRM is to be told again.
    """
    when = func.coalesce(Mailbox.due_at, Mailbox.problem_at + every)
    return connection.execute(
        select(Mailbox.id, Mailbox.workspace_id)
        .where(Mailbox.state == State.REAUTHORIZE, when <= func.now())
        .order_by(when)
        .limit(limit)
    ).all()


def remind_of(connection: Connection, mailbox_id: int, every: timedelta) -> bool:
    """Put off the next time to tell of a mailbox; False if it doesn't wait any more."""
    when = func.coalesce(Mailbox.due_at, Mailbox.problem_at + every)
    return bool(
        connection.execute(
            update(Mailbox)
            .where(
                Mailbox.id == mailbox_id,
                Mailbox.state == State.REAUTHORIZE,
                when <= func.now(),
            )
            .values(due_at=func.now() + every)
        ).rowcount
    )


def next_delegation_id(connection: Connection) -> int:
    """Draw the id of the next delegation, which its sealed column is bound to."""
    return int(connection.execute(select(func.nextval("delegation_id_seq"))).scalar_one())


def add_delegation(connection: Connection, **values: Any) -> None:
    """Insert a delegation."""
    connection.execute(insert(Delegation).values(**values))


def delegation(connection: Connection, delegation_id: int) -> AnyRow | None:
    """Return a delegation, or None."""
    return connection.execute(
        select(*Delegation.__table__.columns).where(Delegation.id == delegation_id)
    ).first()


def delegations(connection: Connection, after: int, limit: int) -> Sequence[AnyRow]:
    """Return delegations with ids above `after`, each with how many mailboxes rest on it."""
    count = (
        select(func.count())
        .where(Mailbox.delegation_id == Delegation.id, Mailbox.state != State.DISCONNECTING)
        .scalar_subquery()
    )
    return connection.execute(
        select(Delegation.id, Delegation.provider, Delegation.created_at, count.label("mailboxes"))
        .where(Delegation.id > after)
        .order_by(Delegation.id)
        .limit(limit)
    ).all()


def resting_on(connection: Connection, delegation_id: int) -> list[int]:
    """Return ids of the connected mailboxes that rest on a delegation."""
    return list(
        connection.scalars(
            select(Mailbox.id)
            .where(Mailbox.delegation_id == delegation_id, Mailbox.state != State.DISCONNECTING)
            .order_by(Mailbox.id)
        )
    )


def let_go_of(connection: Connection, delegation_id: int) -> bool:
    """Delete a delegation; mailboxes that are being erased don't need it any more."""
    connection.execute(
        update(Mailbox).where(Mailbox.delegation_id == delegation_id).values(delegation_id=None)
    )
    return bool(
        connection.execute(delete(Delegation).where(Delegation.id == delegation_id)).rowcount
    )
