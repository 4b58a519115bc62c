"""Links, attempts and return addresses: kept for a while, found by keyed hashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from models.base import AnyRow
from models.connect import ConnectAttempt, ConnectLink, Integration, SecurityEvent
from models.workspace import Workspace


def next_link_id(connection: Connection) -> int:
    """Draw the id of the next link, which its sealed column is bound to."""
    return int(connection.execute(select(func.nextval("connect_link_id_seq"))).scalar_one())


def next_attempt_id(connection: Connection) -> int:
    """Draw the id of the next attempt, which its sealed column is bound to."""
    return int(connection.execute(select(func.nextval("connect_attempt_id_seq"))).scalar_one())


def add_link(connection: Connection, lasts: timedelta, **values: Any) -> AnyRow:
    """Keep a link for a time; return when it ends."""
    return connection.execute(
        insert(ConnectLink)
        .values(expires_at=func.now() + lasts, **values)
        .returning(ConnectLink.expires_at)
    ).one()


def find_link(connection: Connection, hashes: Sequence[bytes]) -> AnyRow | None:
    """Return a link that is still good, over all workspaces, or None."""
    return connection.execute(
        select(*ConnectLink.__table__.columns).where(
            ConnectLink.hash.in_(hashes), ConnectLink.expires_at > func.now()
        )
    ).first()


def take_link(connection: Connection, link_id: int) -> bool:
    """Delete a link, which a mailbox has been connected by; tell whether it was there."""
    return bool(connection.execute(delete(ConnectLink).where(ConnectLink.id == link_id)).rowcount)


def add_attempt(connection: Connection, lasts: timedelta, **values: Any) -> None:
    """Keep an attempt for a time."""
    connection.execute(insert(ConnectAttempt).values(expires_at=func.now() + lasts, **values))


def find_attempt(connection: Connection, hashes: Sequence[bytes]) -> AnyRow | None:
    """Return an attempt with `is_stale`, over all workspaces, or None."""
    return connection.execute(
        select(
            *ConnectAttempt.__table__.columns,
            (ConnectAttempt.expires_at <= func.now()).label("is_stale"),
        ).where(ConnectAttempt.hash.in_(hashes))
    ).first()


def answer_attempt(connection: Connection, attempt_id: int) -> bool:
    """Use an attempt up; False if another answer has done so, or its time is over."""
    return bool(
        connection.execute(
            update(ConnectAttempt)
            .where(
                ConnectAttempt.id == attempt_id,
                ConnectAttempt.answered_at.is_(None),
                ConnectAttempt.expires_at > func.now(),
            )
            .values(answered_at=func.now())
        ).rowcount
    )


def forget(connection: Connection) -> int:
    """Delete links and attempts whose time is over, over all workspaces; return how many."""
    return sum(
        connection.execute(delete(table).where(table.expires_at < func.now())).rowcount
        for table in (ConnectAttempt, ConnectLink)
    )


def return_urls(connection: Connection, workspace_id: int) -> bytes | None:
    """Return the sealed addresses that browsers may return to, or None."""
    return connection.scalar(
        select(Integration.sealed).where(Integration.workspace_id == workspace_id)
    )


def put_return_urls(connection: Connection, workspace_id: int, sealed: bytes) -> None:
    """Replace the sealed addresses that browsers may return to."""
    connection.execute(
        upsert(Integration)
        .values(workspace_id=workspace_id, sealed=sealed)
        .on_conflict_do_update(index_elements=[Integration.workspace_id], set_={"sealed": sealed})
    )


def was_heard(connection: Connection, hash_: bytes) -> bool:
    """Tell whether an event was heard before."""
    found = select(SecurityEvent.hash).where(SecurityEvent.hash == hash_)
    return connection.scalar(found) is not None


def note_heard(connection: Connection, hash_: bytes) -> None:
    """Remember that an event was heard."""
    connection.execute(upsert(SecurityEvent).values(hash=hash_).on_conflict_do_nothing())


def forget_events(connection: Connection, older_than: timedelta) -> int:
    """Forget events that can't be repeated any more; return how many."""
    return connection.execute(
        delete(SecurityEvent).where(SecurityEvent.heard_at < func.now() - older_than)
    ).rowcount


def workspace_name(connection: Connection, workspace_id: int) -> bytes | None:
    """Return a workspace's sealed name, or None."""
    return connection.scalar(select(Workspace.sealed).where(Workspace.id == workspace_id))
