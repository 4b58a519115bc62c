"""Fetching a batch and handing its mails on, without the database: what came, and what did not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from connectors.base import Connector, MessageRef, RawMessage
from connectors.errors import CursorExpired, FolderGone, Paced, Unreadable
from models.base import AnyRow
from worker.sealers import Answer

TOGETHER = 2**18
"""Bytes of mails that are handed on together."""


@dataclass(slots=True)
class Taken:
    """What came of a batch, in pending ids where nothing else is said.

    `coming` are those that are being parsed and sealed, some together. `parked` lists others
    by reason, `gone` are no longer there, `given_back` weren't reached. `error` ended the batch
    early, and `wait` is how long to leave the rest alone; it is raised once what came is stored.
    """

    coming: list[tuple[list[int], Answer]] = field(default_factory=list)
    parked: dict[str, list[int]] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)
    given_back: list[int] = field(default_factory=list)
    wait: timedelta = timedelta(0)
    error: Exception | None = None


def take(
    connector: Connector,
    batch: Sequence[AnyRow],
    folder_keys: Mapping[int, str],
    take_in: Callable[[Mapping[int, RawMessage]], Answer],
) -> Taken:
    """Fetch the batch's mails, folder by folder, each taken in; never raises what it can tell."""
    rows = {(folder_keys.get(row.folder_id), row.ref): row for row in batch}
    taken = Taken()
    seen: set[int] = set()
    arrived: dict[int, RawMessage] = {}

    def hand_on() -> None:
        if arrived:
            taken.coming.append(([*arrived], take_in(arrived)))
            arrived.clear()

    try:
        weight = 0
        for raw in connector.fetch(
            [
                MessageRef(folder_keys[row.folder_id], row.ref)
                for row in sorted(batch, key=lambda row: row.folder_id)
                if row.folder_id in folder_keys
            ],
            live=any(row.live for row in batch),
        ):
            row = rows.get((raw.ref.folder, raw.ref.id))
            if row is None or row.id in seen:
                continue
            seen.add(row.id)
            arrived[row.id] = raw
            weight += len(raw.raw)
            if weight >= TOGETHER:
                hand_on()
                weight = 0
    except Unreadable as error:
        # It is raised behind all others; a second one is met when they come again.
        row = rows[error.folder, error.id]
        taken.parked.setdefault(error.code, []).append(row.id)
        seen.add(row.id)
        taken.given_back = [row.id for row in batch if row.id not in seen]
    except (CursorExpired, FolderGone) as error:
        # The folder isn't what it was. The try stays counted, in case nothing changes that.
        taken.error = error
    except Exception as error:  # noqa: BLE001  (raised by the caller, after what came is stored)
        # What failed is the connection, not the mails.
        taken.error = error
        taken.wait = error.retry_after if isinstance(error, Paced) else timedelta(0)
        taken.given_back = [row.id for row in batch if row.id not in seen]
    else:
        taken.gone = [row.id for row in batch if row.id not in seen]
    hand_on()
    return taken
