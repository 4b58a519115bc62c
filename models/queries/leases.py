"""Leases on mailboxes: lost by time, and useless to whoever lost them (invariant 14)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from models.mailbox import Lease
from models.store import Fenced


def take(
    connection: Connection, workspace_id: int, mailbox_id: int, kind: str, ttl: timedelta
) -> int | None:
    """Take the lease and return its epoch; None while another holds it."""
    fresh = {"epoch": Lease.epoch + 1, "until": func.now() + ttl}
    return connection.execute(
        insert(Lease)
        .values(
            workspace_id=workspace_id,
            mailbox_id=mailbox_id,
            kind=kind,
            epoch=literal(1),
            until=func.now() + ttl,
        )
        .on_conflict_do_update(
            index_elements=[Lease.mailbox_id, Lease.kind],
            set_=fresh,
            where=Lease.until < func.now(),
        )
        .returning(Lease.epoch)
    ).scalar()


def hold(connection: Connection, mailbox_id: int, kind: str, epoch: int, ttl: timedelta) -> None:
    """Prolong the lease in the transaction that writes under it.

    Raises:
        Fenced: Another has taken it: what this transaction wrote is undone.
    """
    held = connection.execute(
        update(Lease)
        .where(Lease.mailbox_id == mailbox_id, Lease.kind == kind, Lease.epoch == epoch)
        .values(until=func.now() + ttl)
    ).rowcount
    if not held:
        raise Fenced


def release(connection: Connection, mailbox_id: int, kind: str, epoch: int) -> None:
    """Let the lease go, if it still is this one."""
    connection.execute(
        update(Lease)
        .where(Lease.mailbox_id == mailbox_id, Lease.kind == kind, Lease.epoch == epoch)
        .values(until=func.now())
    )


def is_held(connection: Connection, mailbox_id: int, kind: str) -> bool:
    """Tell whether someone holds the lease now."""
    return bool(
        connection.scalar(
            select(Lease.until > func.now()).where(
                Lease.mailbox_id == mailbox_id, Lease.kind == kind
            )
        )
    )


def break_off(connection: Connection, mailbox_id: int, kind: str) -> None:
    """Take the lease from whoever holds it: what he writes from now on is undone."""
    connection.execute(
        update(Lease)
        .where(Lease.mailbox_id == mailbox_id, Lease.kind == kind)
        .values(epoch=Lease.epoch + 1, until=func.now())
    )
