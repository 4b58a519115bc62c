"""The feed of what happened to a workspace's mail and mailboxes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, text

from models.base import AnyRow
from models.workspace import Change

SETTLED = text("change.xact < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint")
"""All transactions that began before these lines' have ended: nothing can still slip in."""


def record(connection: Connection, workspace_id: int, kind: str, subject: str) -> None:
    """Write one line, in the transaction that makes it true."""
    record_all(connection, workspace_id, kind, [subject])


def record_all(
    connection: Connection, workspace_id: int, kind: str, subjects: Collection[str]
) -> None:
    """Write a line for each subject."""
    if subjects:
        connection.execute(
            insert(Change),
            [{"workspace_id": workspace_id, "kind": kind, "subject": s} for s in subjects],
        )


def page(connection: Connection, after: tuple[int, int], limit: int) -> Sequence[AnyRow]:
    """Return lines after a position (transaction, id), in an order that nothing overtakes."""
    xact, id_ = after
    return connection.execute(
        select(Change.xact, Change.id, Change.at, Change.kind, Change.subject)
        .where(SETTLED, or_(Change.xact > xact, and_(Change.xact == xact, Change.id > id_)))
        .order_by(Change.xact, Change.id)
        .limit(limit)
    ).all()


def forget(connection: Connection, days: int, limit: int) -> int:
    """Delete lines older than so many days, over all workspaces; return how many."""
    old = (
        select(Change.id)
        .where(Change.at < func.now() - func.make_interval(0, 0, 0, days))
        .limit(limit)
    )
    return connection.execute(delete(Change).where(Change.id.in_(old))).rowcount
