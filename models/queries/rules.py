"""What a workspace has decided for itself: its own and its blocked addresses, and its caps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from models.base import AnyRow
from models.bulk import insert_columns
from models.queries.leads import draw
from models.workspace import PolicyRule, Workspace


def draw_ids(connection: Connection, count: int) -> list[int]:
    """Draw ids for new rules, which their sealed columns are bound to."""
    return draw(connection, "policy_rule_id_seq", count)


def held(connection: Connection) -> Sequence[AnyRow]:
    """Return id, kind, hash and sealed text of all rules, in the order they came."""
    return connection.execute(
        select(PolicyRule.id, PolicyRule.kind, PolicyRule.hash, PolicyRule.sealed).order_by(
            PolicyRule.id
        )
    ).all()


def add(
    connection: Connection, workspace_id: int, rows: Sequence[tuple[int, str, bytes, bytes]]
) -> None:
    """Insert rules: id, kind, hash, sealed text."""
    insert_columns(
        connection,
        PolicyRule,
        id=[row[0] for row in rows],
        workspace_id=[workspace_id] * len(rows),
        kind=[row[1] for row in rows],
        hash=[row[2] for row in rows],
        sealed=[row[3] for row in rows],
    )


def remove(connection: Connection, ids: Collection[int]) -> None:
    """Delete rules."""
    connection.execute(delete(PolicyRule).where(PolicyRule.id.in_(ids)))


def settings(connection: Connection, workspace_id: int) -> Row[bool, int]:
    """Return whether removals are mirrored, and how many mails a role address may gather."""
    return connection.execute(
        select(Workspace.mirror_removals, Workspace.role_cap).where(Workspace.id == workspace_id)
    ).one()


def change_settings(connection: Connection, workspace_id: int, **values: Any) -> None:
    """Change a workspace's settings."""
    connection.execute(update(Workspace).where(Workspace.id == workspace_id).values(**values))
