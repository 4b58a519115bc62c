"""Telling that a found mail is one that is held: it gets a further place, and isn't fetched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from connectors.base import Envelope
from mail.date import date_in
from models.base import AnyRow
from models.queries import folders as folder_queries
from privacy.vault import Index


def place_known(
    connection: Connection,
    index: Index,
    mailbox: AnyRow,
    folder_id: int,
    found: Sequence[Envelope],
) -> set[str]:
    """Give mails that are stored already their further place; return its refs.

    The provider's lasting id names one for certain; Message-ID, date and size name one
    that has lost its place, each at most once (F5, F7, F14).
    """
    objects = {hash_ for e in found if (hash_ := object_hash(index, e)) is not None}
    prints = {fingerprint_of(index, e) for e in found if e.message_id}
    known = folder_queries.mails_known_by(connection, mailbox.id, objects, prints)
    by_object = {row.object_hash: row.id for row in known if row.object_hash}
    homeless: dict[bytes, list[int]] = {}
    for row in known:
        if row.unplaced_at is not None:
            homeless.setdefault(row.fingerprint, []).append(row.id)
    placed: list[tuple[str, int]] = []
    for envelope in found:
        mail = by_object.get(object_hash(index, envelope) or b"")
        if mail is None and not envelope.object_id and envelope.message_id:
            waiting = homeless.get(fingerprint_of(index, envelope))
            mail = waiting.pop() if waiting else None
        if mail is not None:
            placed.append((envelope.ref.id, mail))
    if placed:
        folder_queries.put_places(
            connection, mailbox.workspace_id, mailbox.id, mailbox.generation, folder_id, placed
        )
    return {ref for ref, _ in placed}


def object_hash(index: Index, envelope: Envelope) -> bytes | None:
    """Return the hash of the provider's lasting id, if it has one."""
    return index.hash("object", envelope.object_id) if envelope.object_id else None


def fingerprint_of(index: Index, envelope: Envelope) -> bytes:
    """Return the hash that remaps a mail of a renumbered folder."""
    return fingerprint(index, envelope.message_id, date_in(envelope.dates), envelope.size)


def fingerprint(index: Index, message_id: str, sent_at: datetime | None, size: int) -> bytes:
    """Return the hash of Message-ID, Date and size.

    Not of the arrival: a server restored from copies of its files may give its mails a new one.
    """
    seconds = "" if sent_at is None else int(sent_at.timestamp())
    return index.hash("fingerprint", f"{message_id}\0{seconds}\0{size}")
