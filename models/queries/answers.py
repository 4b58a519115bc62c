"""Answers to POSTs with an Idempotency-Key, so that a repeated call does nothing twice."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from models.base import AnyRow
from models.workspace import IdempotentAnswer


def claim(
    connection: Connection, workspace_id: int, hash_: bytes, request: bytes, abandoned: timedelta
) -> int | None:
    """Begin a call and return its row, or None if one with this key has begun before.

    A call that began so long ago and never ended died with its process: it is begun again.
    """
    fresh = insert(IdempotentAnswer).values(workspace_id=workspace_id, hash=hash_, request=request)
    return connection.execute(
        fresh.on_conflict_do_update(
            index_elements=[IdempotentAnswer.workspace_id, IdempotentAnswer.hash],
            set_={"created_at": func.now()},
            where=(IdempotentAnswer.status.is_(None))
            & (IdempotentAnswer.request == fresh.excluded.request)
            & (IdempotentAnswer.created_at < func.now() - abandoned),
        ).returning(IdempotentAnswer.id)
    ).scalar()


def find(connection: Connection, hash_: bytes) -> AnyRow | None:
    """Return id, request, status and sealed answer of an earlier call, or None."""
    return connection.execute(
        select(
            IdempotentAnswer.id,
            IdempotentAnswer.request,
            IdempotentAnswer.status,
            IdempotentAnswer.sealed,
        ).where(IdempotentAnswer.hash == hash_)
    ).first()


def keep(connection: Connection, row: int, status: int, sealed: bytes) -> None:
    """Write the answer of a call that has ended."""
    connection.execute(
        update(IdempotentAnswer)
        .where(IdempotentAnswer.id == row)
        .values(status=status, sealed=sealed)
    )


def release(connection: Connection, row: int) -> None:
    """Forget a call that failed: it may be made again."""
    connection.execute(delete(IdempotentAnswer).where(IdempotentAnswer.id == row))


def forget(connection: Connection, older_than: timedelta) -> int:
    """Delete answers older than this, over all workspaces; return how many."""
    return connection.execute(
        delete(IdempotentAnswer).where(IdempotentAnswer.created_at < func.now() - older_than)
    ).rowcount
