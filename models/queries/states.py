"""What a mailbox's state is: how its work went, what is wrong, how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, exists, func, select

from models.base import AnyRow
from models.mail import Mail, Pending
from models.mailbox import Folder, Mailbox, State
from models.queries.mailboxes import change

FOLDER_DONE = and_(Folder.selected, Folder.remaining == 0, Folder.searched_version > 0)
"""One whose past is searched instead of listed is done when it has been searched."""


def note_progress(
    connection: Connection, mailbox_id: int, state: State, synced_at: datetime | None
) -> str | None:
    """Write the state of a mailbox that works and clear its problem; return the old state."""
    before = connection.scalar(select(Mailbox.state).where(Mailbox.id == mailbox_id))
    values: dict[str, Any] = {
        "state": state,
        "problem": None,
        "problem_at": None,
        "failures": 0,
    }
    if synced_at is not None:
        values["last_synced_at"] = synced_at
    change(connection, mailbox_id, **values)
    return before


def note_problem(
    connection: Connection,
    mailbox_id: int,
    state: State,
    problem: str,
    retry_after: timedelta | None,
) -> bool:
    """Write a problem and when to try again (None: not by itself); tell whether it is new.

    A problem that now waits for the person is news too.
    """
    before = connection.execute(
        select(Mailbox.problem, Mailbox.state).where(Mailbox.id == mailbox_id)
    ).first()
    is_same = before is not None and before.problem == problem
    change(
        connection,
        mailbox_id,
        state=state,
        problem=problem,
        problem_at=Mailbox.problem_at if is_same else func.now(),
        failures=Mailbox.failures + 1,
        due_at=None if retry_after is None else func.now() + retry_after,
    )
    return before is None or not is_same or before.state != state


def note_failure(connection: Connection, mailbox_id: int) -> None:
    """Count a failure that is no problem yet, and make the mailbox due at once."""
    change(connection, mailbox_id, failures=Mailbox.failures + 1, due_at=func.now())


def has_come_through(connection: Connection, mailbox_id: int) -> bool:
    """Tell whether there are folders, and all that are chosen are covered or searched."""
    found = connection.execute(
        select(
            func.count().filter(Folder.selected).label("total"),
            func.count().filter(FOLDER_DONE).label("done"),
        ).where(Folder.mailbox_id == mailbox_id)
    ).one()
    return bool(0 < found.total == found.done)


def awaits_mail(connection: Connection, mailbox_id: int) -> bool:
    """Tell whether some mail of the mailbox is still to be fetched, now or later.

    Asked at the end of each job: it looks for one, and counts none.
    """
    waiting = select(1).where(Pending.mailbox_id == mailbox_id, Pending.reason.is_(None))
    return bool(connection.scalar(select(exists(waiting))))


def progress(connection: Connection, mailbox_ids: Sequence[int]) -> dict[int, AnyRow]:
    """Return per mailbox: folders in all and done, mails examined, stored, waiting, parked.

    It counts all mails of the mailboxes: for people who look, not for every job.
    """
    folders = (
        select(
            Folder.mailbox_id,
            func.count().filter(Folder.selected).label("folders_total"),
            func.count().filter(FOLDER_DONE).label("folders_done"),
            func.coalesce(func.sum(Folder.examined), 0).label("examined"),
            func.coalesce(func.sum(Folder.remaining), 0).label("remaining"),
        )
        .where(Folder.mailbox_id.in_(mailbox_ids))
        .group_by(Folder.mailbox_id)
        .subquery()
    )
    stored = (
        select(Mail.mailbox_id, func.count().label("stored"))
        .where(Mail.mailbox_id.in_(mailbox_ids))
        .group_by(Mail.mailbox_id)
        .subquery()
    )
    waiting = (
        select(
            Pending.mailbox_id,
            func.count().filter(Pending.reason.is_(None)).label("waiting"),
            func.count().filter(Pending.reason.is_not(None)).label("parked"),
        )
        .where(Pending.mailbox_id.in_(mailbox_ids))
        .group_by(Pending.mailbox_id)
        .subquery()
    )
    rows = connection.execute(
        select(
            Mailbox.id,
            func.coalesce(folders.c.folders_total, 0).label("folders_total"),
            func.coalesce(folders.c.folders_done, 0).label("folders_done"),
            func.coalesce(folders.c.examined, 0).label("examined"),
            func.coalesce(folders.c.remaining, 0).label("remaining"),
            func.coalesce(stored.c.stored, 0).label("stored"),
            func.coalesce(waiting.c.waiting, 0).label("waiting"),
            func.coalesce(waiting.c.parked, 0).label("parked"),
        )
        .outerjoin(folders, folders.c.mailbox_id == Mailbox.id)
        .outerjoin(stored, stored.c.mailbox_id == Mailbox.id)
        .outerjoin(waiting, waiting.c.mailbox_id == Mailbox.id)
        .where(Mailbox.id.in_(mailbox_ids))
    )
    return {row.id: row for row in rows}
