"""The workspaces themselves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select

from models.base import AnyRow
from models.workspace import Policy, Workspace


def draw_id(connection: Connection) -> int:
    """Draw the id of a new workspace, which its keys are bound to."""
    return int(connection.execute(select(func.nextval("workspace_id_seq"))).scalar_one())


def add(connection: Connection, workspace_id: int, sealed: bytes) -> None:
    """Insert a workspace with the first version of its policy."""
    connection.execute(insert(Workspace).values(id=workspace_id, sealed=sealed))
    connection.execute(insert(Policy).values(workspace_id=workspace_id))


def held(connection: Connection) -> Sequence[AnyRow]:
    """Return id and sealed name of all workspaces."""
    return connection.execute(
        select(Workspace.id, Workspace.sealed, Workspace.created_at).order_by(Workspace.id)
    ).all()


def exists(connection: Connection, workspace_id: int) -> bool:
    """Tell whether there is such a workspace."""
    return connection.scalar(select(Workspace.id).where(Workspace.id == workspace_id)) is not None
