"""Mail that waits to be fetched, and mail that is parked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, select, update

from models.base import AnyRow
from models.bulk import insert_columns
from models.mail import Pending
from models.mailbox import Mailbox
from models.queries.mailboxes import WAITS

ORDER = (Pending.live.desc(), Pending.received_at.desc(), Pending.id)


def add(
    connection: Connection,
    *,
    workspace_id: int,
    mailbox_id: int,
    generation: int,
    folder_id: int,
    live: bool,
    waiting: Sequence[tuple[str, bytes | None, int, datetime]],
) -> int:
    """Write mails that are to be fetched: ref, hash of the lasting id, bytes, arrival.

    Return how many were new.
    """
    count = len(waiting)
    return insert_columns(
        connection,
        Pending,
        ignore_held=True,
        workspace_id=[workspace_id] * count,
        mailbox_id=[mailbox_id] * count,
        generation=[generation] * count,
        folder_id=[folder_id] * count,
        ref=[item[0] for item in waiting],
        object_hash=[item[1] for item in waiting],
        size=[item[2] for item in waiting],
        received_at=[item[3] for item in waiting],
        live=[live] * count,
    )


def waiting(connection: Connection, mailbox_id: int, limit: int) -> Sequence[AnyRow]:
    """Return what is to be fetched now: live mail first, then the newest.

    All of it lies in the folder of the first, for changing folders costs a round trip.
    """
    due = and_(WAITS, Mailbox.id == mailbox_id)
    first = (
        select(Pending.folder_id)
        .join(Mailbox, due)
        .order_by(*ORDER)
        .limit(1)
        .correlate(None)
        .scalar_subquery()
    )
    return connection.execute(
        select(
            Pending.id,
            Pending.folder_id,
            Pending.ref,
            Pending.size,
            Pending.received_at,
            Pending.object_hash,
            Pending.live,
            Pending.attempts,
        )
        .join(Mailbox, due)
        .where(Pending.folder_id == first)
        .order_by(*ORDER)
        .limit(limit)
    ).all()


def count_try(connection: Connection, ids: Collection[int], retry_after: timedelta) -> None:
    """Count a try before it is made, so that a mail that kills its worker is counted too."""
    connection.execute(
        update(Pending)
        .where(Pending.id.in_(ids))
        .values(attempts=Pending.attempts + 1, retry_at=func.now() + retry_after)
    )


def give_back(
    connection: Connection, mailbox_id: int, ids: Collection[int], wait: timedelta
) -> None:
    """Take back a try that failed for a reason that isn't the mail's; wait before the next."""
    connection.execute(
        update(Pending)
        .where(Pending.mailbox_id == mailbox_id, Pending.id.in_(ids))
        .values(attempts=func.greatest(Pending.attempts - 1, 0), retry_at=func.now() + wait)
    )


def done(connection: Connection, ids: Collection[int]) -> set[tuple[int, str]]:
    """Delete what has been stored, or is gone; return folder and ref of what still waited."""
    rows = connection.execute(
        delete(Pending).where(Pending.id.in_(ids)).returning(Pending.folder_id, Pending.ref)
    )
    return {(row.folder_id, row.ref) for row in rows}


def park(connection: Connection, ids: Collection[int], reason: str) -> None:
    """Put mails aside that can't be taken in (F4)."""
    connection.execute(
        update(Pending).where(Pending.id.in_(ids)).values(reason=reason, parked_at=func.now())
    )


def unpark(connection: Connection, mailbox_id: int) -> int:
    """Try all parked mails of a mailbox again; return how many."""
    return connection.execute(
        update(Pending)
        .where(Pending.mailbox_id == mailbox_id, Pending.reason.is_not(None))
        .values(reason=None, parked_at=None, attempts=0, retry_at=func.now())
    ).rowcount


def parked(connection: Connection, mailbox_id: int, after: int, limit: int) -> Sequence[AnyRow]:
    """Return parked mails with ids above `after`: their places, sizes, reasons and times."""
    return connection.execute(
        select(Pending.id, Pending.ref, Pending.size, Pending.reason, Pending.parked_at)
        .where(Pending.mailbox_id == mailbox_id, Pending.reason.is_not(None), Pending.id > after)
        .order_by(Pending.id)
        .limit(limit)
    ).all()
