"""Folders and places: how far each folder is covered, and where the stored mails lie."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from models.base import AnyRow
from models.bulk import insert_columns, one_of, one_of_hashes, one_of_refs
from models.mail import Mail, Pending, Place
from models.mailbox import Folder

PLACES_AT_ONCE = 5000

HOMELESS = ~exists(select(1).where(Place.mail_id == Mail.id))
"""The mail has no place: an import may have given it one while its last other was forgotten."""


def of_mailbox(connection: Connection, mailbox_id: int) -> Sequence[AnyRow]:
    """Return a mailbox's folders."""
    return connection.execute(
        select(*Folder.__table__.columns).where(Folder.mailbox_id == mailbox_id).order_by(Folder.id)
    ).all()


def next_ids(connection: Connection, count: int) -> list[int]:
    """Draw ids for new folders."""
    return list(
        connection.scalars(
            select(func.nextval("folder_id_seq")).select_from(func.generate_series(1, count))
        )
    )


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert folders."""
    if rows:
        connection.execute(insert(Folder), list(rows))


def change(connection: Connection, folder_id: int, **values: Any) -> None:
    """Change a folder."""
    connection.execute(update(Folder).where(Folder.id == folder_id).values(**values))


def remove(connection: Connection, folder_ids: Sequence[int], at: datetime) -> None:
    """Forget folders that are gone upstream or no longer chosen; their mails lose the place."""
    for folder_id in folder_ids:
        forget_places_in(connection, folder_id, at)
    connection.execute(delete(Pending).where(Pending.folder_id.in_(folder_ids)))
    connection.execute(delete(Folder).where(Folder.id.in_(folder_ids)))


def mails_only_in(connection: Connection, folder_ids: Sequence[int], limit: int) -> Sequence[int]:
    """Return ids of mails that lie in the folders and nowhere else."""
    here, elsewhere = aliased(Place), aliased(Place)
    return connection.scalars(
        select(here.mail_id)
        .distinct()
        .where(
            here.folder_id.in_(folder_ids),
            ~exists(
                select(1).where(
                    elsewhere.mail_id == here.mail_id, elsewhere.folder_id.not_in(folder_ids)
                )
            ),
        )
        .limit(limit)
    ).all()


def held_refs(connection: Connection, folder_id: int, after: str, limit: int) -> Sequence[str]:
    """Return refs of stored mails in a folder, above `after`, in order."""
    return connection.scalars(
        select(Place.ref)
        .where(Place.folder_id == folder_id, Place.ref > after)
        .order_by(Place.ref)
        .limit(limit)
    ).all()


def refs_in(connection: Connection, folder_id: int, after: str, limit: int) -> Sequence[str]:
    """Return refs in a folder that are stored or wait to be, above `after`, in order."""
    stored = select(Place.ref).where(Place.folder_id == folder_id, Place.ref > after)
    waiting = select(Pending.ref).where(Pending.folder_id == folder_id, Pending.ref > after)
    both = stored.union(waiting).subquery()
    return connection.scalars(select(both.c.ref).order_by(both.c.ref).limit(limit)).all()


def known_refs(connection: Connection, folder_id: int, refs: Collection[str]) -> set[str]:
    """Return those of the refs that are stored or wait to be."""
    stored = select(Place.ref).where(Place.folder_id == folder_id, Place.ref == one_of_refs(refs))
    waiting = select(Pending.ref).where(
        Pending.folder_id == folder_id, Pending.ref == one_of_refs(refs)
    )
    return set(connection.scalars(stored.union(waiting)))


def forget_refs(connection: Connection, folder_id: int, refs: Collection[str], at: datetime) -> int:
    """Forget places that no longer exist, and what waited there; return how many were stored."""
    places = connection.scalars(
        select(Place.id).where(Place.folder_id == folder_id, Place.ref == one_of_refs(refs))
    ).all()
    forget_places(connection, places, at)
    connection.execute(
        delete(Pending).where(Pending.folder_id == folder_id, Pending.ref == one_of_refs(refs))
    )
    return len(places)


def forget_all_refs(connection: Connection, folder_id: int, at: datetime) -> None:
    """Forget all places of a renumbered folder; its mails wait to be found again (F7)."""
    forget_places_in(connection, folder_id, at)
    connection.execute(
        delete(Pending).where(Pending.folder_id == folder_id, Pending.reason.is_(None))
    )


def forget_places_in(connection: Connection, folder_id: int, at: datetime) -> None:
    """Forget all places in a folder, however many: some at a time, in order of their refs."""
    after = ""
    while True:
        some = connection.execute(
            select(Place.id, Place.ref)
            .where(Place.folder_id == folder_id, Place.ref > after)
            .order_by(Place.ref)
            .limit(PLACES_AT_ONCE)
        ).all()
        if not some:
            return
        forget_places(connection, [row.id for row in some], at)
        after = some[-1].ref


def forget_places(connection: Connection, place_ids: Sequence[int], at: datetime) -> None:
    """Delete places; mails that have no other one are marked with the time."""
    if not place_ids:
        return
    mails = connection.scalars(
        delete(Place).where(Place.id == one_of(place_ids)).returning(Place.mail_id)
    ).all()
    connection.execute(
        update(Mail)
        .where(Mail.id == one_of(mails), ~exists(select(1).where(Place.mail_id == Mail.id)))
        .values(unplaced_at=at)
    )


def unplaced(
    connection: Connection, mailbox_id: int, before: datetime, limit: int
) -> Sequence[int]:
    """Return ids of mails that lost their last place before a time."""
    return connection.scalars(
        select(Mail.id)
        .where(Mail.mailbox_id == mailbox_id, Mail.unplaced_at < before, HOMELESS)
        .limit(limit)
    ).all()


def has_unplaced(connection: Connection, mailbox_id: int) -> bool:
    """Tell whether a mail of the mailbox has no place now."""
    return bool(
        connection.scalar(
            select(
                exists(
                    select(1).where(
                        Mail.mailbox_id == mailbox_id, Mail.unplaced_at.is_not(None), HOMELESS
                    )
                )
            )
        )
    )


def mails_known_by(
    connection: Connection,
    mailbox_id: int,
    objects: Collection[bytes],
    fingerprints: Collection[bytes],
) -> Sequence[AnyRow]:
    """Return mails that the provider's lasting id names, or that wait for their place again.

    A fingerprint counts only for a mail without a place: two mails in place that look alike
    are two mails (F14).
    """
    by_object = select(Mail.id, Mail.object_hash, Mail.fingerprint, Mail.unplaced_at).where(
        Mail.mailbox_id == mailbox_id, Mail.object_hash == one_of_hashes(objects)
    )
    by_fingerprint = select(Mail.id, Mail.object_hash, Mail.fingerprint, Mail.unplaced_at).where(
        Mail.mailbox_id == mailbox_id,
        Mail.fingerprint == one_of_hashes(fingerprints),
        Mail.unplaced_at.is_not(None),
    )
    return connection.execute(by_object.union(by_fingerprint)).all()


def put_places(
    connection: Connection,
    workspace_id: int,
    mailbox_id: int,
    generation: int,
    folder_id: int,
    placed: Sequence[tuple[str, int]],
) -> None:
    """Say where mails lie: pairs of ref and mail id."""
    count = len(placed)
    insert_columns(
        connection,
        Place,
        ignore_held=True,
        workspace_id=[workspace_id] * count,
        mailbox_id=[mailbox_id] * count,
        generation=[generation] * count,
        folder_id=[folder_id] * count,
        mail_id=[mail for _, mail in placed],
        ref=[ref for ref, _ in placed],
    )
    connection.execute(
        update(Mail)
        .where(Mail.id == one_of([mail for _, mail in placed]), Mail.unplaced_at.is_not(None))
        .values(unplaced_at=None)
    )


def list_again(connection: Connection, mailbox_id: int) -> None:
    """Have the past of the folders begun again: it reaches further back now.

    The cursors stay, for they know what has gone since.
    """
    connection.execute(
        update(Folder).where(Folder.mailbox_id == mailbox_id).values(mark=None, remaining=None)
    )
