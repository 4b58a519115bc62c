"""Fetching a batch and reading its mails, without the database: what came, and what did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from connectors.base import Connector, MessageRef
from connectors.errors import CursorExpired, FolderGone, Paced, Unreadable
from mail.limits import Limits, Unparseable
from mail.message import parse
from models.base import AnyRow
from worker.intake import Parsed


@dataclass(slots=True)
class Taken:
    """What came of a batch, in pending ids where nothing else is said.

    `parked` lists them by reason, `gone` are no longer there, `given_back` weren't reached.
    `error` ended the batch early, and `wait` is how long to leave the rest alone; it is raised
    once what came is stored.
    """

    parsed: list[Parsed] = field(default_factory=list)
    parked: dict[str, list[int]] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)
    given_back: list[int] = field(default_factory=list)
    wait: timedelta = timedelta(0)
    error: Exception | None = None


def take(
    connector: Connector, batch: Sequence[AnyRow], folder_keys: Mapping[int, str], limits: Limits
) -> Taken:
    """Fetch the batch's mails, folder by folder, and parse each; never raises what it can tell."""
    rows = {(folder_keys.get(row.folder_id), row.ref): row for row in batch}
    taken = Taken()
    seen: set[int] = set()
    try:
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
            try:
                taken.parsed.append(Parsed(row, raw, parse(raw.raw, limits)))
            except Unparseable as error:
                taken.parked.setdefault(str(error.reason), []).append(row.id)
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
    return taken
