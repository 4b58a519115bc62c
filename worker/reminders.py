"""Telling the CRM again of mailboxes that wait for their person: once isn't enough (F17)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from models.queries import changes, grants

if TYPE_CHECKING:
    from worker.boot import Service

EVERY = timedelta(days=1)
AT_ONCE = 1000


def remind(service: Service) -> int:
    """Tell again of the mailboxes that have waited a day since they were last told of.

    Return how many. Two that do so at once tell once.
    """
    with service.store.system() as connection:
        waiting = grants.to_remind_of(connection, EVERY, AT_ONCE)
    told = 0
    for row in waiting:
        with service.store.workspace(row.workspace_id) as connection:
            if grants.remind_of(connection, row.id, EVERY):
                changes.record(connection, row.workspace_id, "mailbox.reauthorize", str(row.id))
                told += 1
    return told
