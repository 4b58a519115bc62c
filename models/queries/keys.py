"""Who may speak for a workspace: API keys, sign-in links and sessions, all kept as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from models.base import AnyRow
from models.workspace import ApiKey, SignIn


def add(connection: Connection, workspace_id: int, scope: str, hash_: bytes) -> int:
    """Keep a new API key and return its id."""
    return connection.execute(
        insert(ApiKey)
        .values(workspace_id=workspace_id, scope=scope, hash=hash_)
        .returning(ApiKey.id)
    ).scalar_one()


def find(connection: Connection, hash_: bytes) -> AnyRow | None:
    """Return id, workspace and scope of a key that isn't revoked, over all workspaces."""
    return connection.execute(
        select(ApiKey.id, ApiKey.workspace_id, ApiKey.scope).where(
            ApiKey.hash == hash_, ApiKey.revoked_at.is_(None)
        )
    ).first()


def held(connection: Connection, workspace_id: int) -> Sequence[AnyRow]:
    """Return a workspace's keys, without what they were made from."""
    return connection.execute(
        select(ApiKey.id, ApiKey.scope, ApiKey.created_at, ApiKey.revoked_at)
        .where(ApiKey.workspace_id == workspace_id)
        .order_by(ApiKey.id)
    ).all()


def revoke(connection: Connection, key_id: int) -> bool:
    """Revoke a key; tell whether it was good until now."""
    return bool(
        connection.execute(
            update(ApiKey)
            .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
            .values(revoked_at=func.now())
        ).rowcount
    )


def add_sign_in(
    connection: Connection, workspace_id: int, kind: str, hash_: bytes, lasts: timedelta
) -> int:
    """Keep a link or a session for a time and return its id."""
    return connection.execute(
        insert(SignIn)
        .values(
            workspace_id=workspace_id,
            kind=kind,
            hash=hash_,
            expires_at=func.now() + lasts,
        )
        .returning(SignIn.id)
    ).scalar_one()


def redeem(connection: Connection, kind: str, hash_: bytes) -> int | None:
    """Delete a link that is still good and return its workspace, or None."""
    return connection.execute(
        delete(SignIn)
        .where(SignIn.kind == kind, SignIn.hash == hash_, SignIn.expires_at > func.now())
        .returning(SignIn.workspace_id)
    ).scalar()


def session(connection: Connection, hash_: bytes) -> AnyRow | None:
    """Return id and workspace of a session that is still good, or None."""
    return connection.execute(
        select(SignIn.id, SignIn.workspace_id).where(
            SignIn.kind == "session", SignIn.hash == hash_, SignIn.expires_at > func.now()
        )
    ).first()


def forget_sign_ins(connection: Connection) -> int:
    """Delete links and sessions that have expired, over all workspaces; return how many."""
    return connection.execute(delete(SignIn).where(SignIn.expires_at < func.now())).rowcount
