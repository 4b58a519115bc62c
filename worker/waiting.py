"""Writing down which mails are to be fetched, less those that are held already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from connectors.base import Envelope, Found
from models.base import AnyRow
from models.queries import folders as folder_queries
from models.queries import pending as pending_queries
from privacy.vault import Index
from worker.placing import object_hash, place_known


def enqueue(
    connection: Connection,
    index: Index,
    mailbox: AnyRow,
    folder_id: int,
    fetch: Sequence[Envelope],
    *,
    live: bool,
) -> int:
    """Write what is to be fetched, less what is held; return how many wait now."""
    if not fetch:
        return 0
    refs = {envelope.ref.id for envelope in fetch}
    held = folder_queries.known_refs(connection, folder_id, refs)
    new = [envelope for envelope in fetch if envelope.ref.id not in held]
    placed = place_known(connection, index, mailbox, folder_id, new)
    rest = [envelope for envelope in new if envelope.ref.id not in placed]
    return pending_queries.add(
        connection,
        workspace_id=mailbox.workspace_id,
        mailbox_id=mailbox.id,
        generation=mailbox.generation,
        folder_id=folder_id,
        live=live,
        waiting=[(one.ref.id, object_hash(index, one), one.size, one.received_at) for one in rest],
    )


def unread(found: Found) -> Envelope:
    """Return what is known of a message that a search found: no addresses, no time but now."""
    return Envelope(found.ref, found.size, datetime.now(UTC), (), (), object_id=found.object_id)
