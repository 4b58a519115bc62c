"""The ledger of erasures, in the vault."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from models.base import AnyRow
from models.vault import Erasure


def write_order(connection: Connection, **values: Any) -> int | None:
    """Write an order to erase and return its id; None if its mailbox has an open one."""
    return connection.execute(
        insert(Erasure)
        .values(state="ordered", **values)
        .on_conflict_do_nothing()
        .returning(Erasure.id)
    ).scalar()


def sealing_id(connection: Connection) -> int:
    """Return the id of the next order, so that its sealed column can be bound to it."""
    return connection.scalar(func.nextval("erasure_id_seq")) or 0


def find(connection: Connection, erasure_id: int) -> AnyRow | None:
    """Return an erasure, or None."""
    return connection.execute(
        select(*Erasure.__table__.columns).where(Erasure.id == erasure_id)
    ).first()


def open_of_mailbox(connection: Connection, mailbox_id: int) -> int | None:
    """Return the id of the unfinished erasure of a mailbox, or None."""
    return connection.scalar(
        select(Erasure.id)
        .where(Erasure.mailbox_id == mailbox_id, Erasure.verified_at.is_(None))
        .order_by(Erasure.id)
        .limit(1)
    )


def page(connection: Connection, after: int | None, limit: int) -> list[AnyRow]:
    """Return a workspace's erasures, newest first, with ids below `after`."""
    query = select(*Erasure.__table__.columns).order_by(Erasure.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Erasure.id < after)
    return list(connection.execute(query))


def due(connection: Connection, limit: int) -> list[int]:
    """Return ids of unfinished erasures that nobody is working on, over all workspaces."""
    return list(
        connection.scalars(
            select(Erasure.id)
            .where(
                Erasure.verified_at.is_(None),
                or_(Erasure.lease_until.is_(None), Erasure.lease_until < func.now()),
            )
            .order_by(Erasure.requested_at)
            .limit(limit)
        )
    )


def take(connection: Connection, erasure_id: int, lease: timedelta) -> AnyRow | None:
    """Take an unfinished erasure for a time and return it; None if another has it."""
    return connection.execute(
        update(Erasure)
        .where(
            Erasure.id == erasure_id,
            Erasure.verified_at.is_(None),
            or_(Erasure.lease_until.is_(None), Erasure.lease_until < func.now()),
        )
        .values(lease_until=func.now() + lease, attempts=Erasure.attempts + 1)
        .returning(*Erasure.__table__.columns)
    ).first()


def note(connection: Connection, erasure_id: int, attempt: int, **values: Any) -> bool:
    """Write progress of an erasure; False if a later attempt has taken it over."""
    return bool(
        connection.execute(
            update(Erasure)
            .where(
                Erasure.id == erasure_id,
                Erasure.attempts == attempt,
                Erasure.verified_at.is_(None),
            )
            .values(**values)
        ).rowcount
    )


def add_removed(connection: Connection, erasure_id: int, removed: Mapping[str, int]) -> None:
    """Write how many rows went, by table; what isn't named stays as it was."""
    connection.execute(
        update(Erasure)
        .where(Erasure.id == erasure_id)
        .values(removed=Erasure.removed.concat(dict(removed)))
    )


def count_keys(connection: Connection, erasure_id: int, keys: int) -> None:
    """Add to the keys that an erasure has shredded, in the transaction that shreds them."""
    connection.execute(
        text(
            "UPDATE erasure SET removed = removed || jsonb_build_object("
            "'keys', coalesce((removed->>'keys')::bigint, 0) + :keys) WHERE id = :id"
        ),
        {"keys": keys, "id": erasure_id},
    )


def note_fenced(connection: Connection, erasure_id: int) -> None:
    """Write that the fence of an erasure is raised; the first time counts."""
    connection.execute(
        update(Erasure)
        .where(Erasure.id == erasure_id, Erasure.fenced_at.is_(None))
        .values(state="fenced", fenced_at=func.now())
    )


def widen(
    connection: Connection, erasure_id: int, hashes: Collection[bytes], leads: Collection[int]
) -> None:
    """Add keyed hashes and leads to what an erasure is about; none is ever taken away."""
    held = connection.execute(
        select(Erasure.hashes, Erasure.leads).where(Erasure.id == erasure_id).with_for_update()
    ).one()
    connection.execute(
        update(Erasure)
        .where(Erasure.id == erasure_id)
        .values(
            hashes=sorted({*map(bytes, held.hashes), *hashes}),
            leads=sorted({*held.leads, *leads}),
        )
    )
