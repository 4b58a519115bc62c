"""What an import fetches next: within a budget of bytes, and no mail twice."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from models.base import AnyRow
from models.queries import folders as folder_queries
from models.queries import pending as pending_queries
from models.queries.storing import Ground

TRIES_TOGETHER = 2


def place_stored(connection: Connection, ground: Ground, waiting: Sequence[AnyRow]) -> set[int]:
    """Give mails that are stored under their lasting id their further place; return which.

    A mail in two folders waits twice before it is stored once: the second is only a place.
    """
    objects = {row.object_hash for row in waiting if row.object_hash is not None}
    if not objects:
        return set()
    known = folder_queries.mails_known_by(connection, ground.mailbox_id, objects, [])
    mails = {row.object_hash: row.id for row in known}
    placed = [row for row in waiting if row.object_hash in mails]
    for folder_id in {row.folder_id for row in placed}:
        folder_queries.put_places(
            connection,
            ground.workspace_id,
            ground.mailbox_id,
            ground.generation,
            folder_id,
            [(row.ref, mails[row.object_hash]) for row in placed if row.folder_id == folder_id],
        )
    pending_queries.done(connection, [row.id for row in placed])
    return {row.id for row in placed}


def cut(rows: Sequence[AnyRow], budget: int, taking: Sequence[AnyRow]) -> list[AnyRow]:
    """Return the first rows whose bytes fit the budget, at least one.

    One that failed comes alone; of several places of one mail only the first, and none of
    a mail that is being taken in.
    """
    batch: list[AnyRow] = []
    objects = {row.object_hash for row in taking} - {None}
    for row in rows:
        if row.object_hash in objects:
            continue
        if row.attempts >= TRIES_TOGETHER:
            if not batch:
                return [row]
            continue
        if batch and budget < row.size:
            break
        batch.append(row)
        objects |= {row.object_hash} - {None}
        budget -= row.size
    return batch
