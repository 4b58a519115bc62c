"""A mailbox's folders as the provider has them now, against how far each was covered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connectors.base import Cursor, Folder, FolderRole
from models.base import AnyRow
from models.queries import folders as folder_queries
from privacy.contents import FolderCard, seal_folder
from privacy.vault import Key
from worker.moves import keep_from

if TYPE_CHECKING:
    from worker.sync import Run

UNASKED = frozenset({FolderRole.DRAFTS, FolderRole.TRASH, FolderRole.JUNK})
"""Left out unless the user names them."""
REMOVED_AT_ONCE = 500
FIRST = {FolderRole.INBOX: 0, FolderRole.SENT: 1}


@dataclass(slots=True)
class FolderState:
    """A chosen folder: what the provider says of it, and how far it is covered.

    `version` is the policy version of the last decision; `searched_version` the one up to
    which its past was searched. `removals_known`: this run has asked which of its mails are
    gone.
    """

    id: int
    folder: Folder
    cursor: Cursor | None
    mark: str | None
    remaining: int | None
    examined: int
    searched_version: int
    version: int = 0
    removals_known: bool = False

    @property
    def needs_listing(self) -> bool:
        """Whether something may have changed since it was covered."""
        return (
            self.cursor is None
            or self.remaining != 0
            or self.mark is None
            or self.mark != self.folder.mark
        )


def refresh(run: Run, listed: Sequence[Folder]) -> list[FolderState]:
    """Write new folders, forget those that are gone or no longer chosen; return the chosen.

    What was moved out of a folder before it went is looked for first.

    The inbox comes first, then the sent mail: what people look for first.
    """
    chosen = {folder.key: folder for folder in choose_folders(listed, run.chosen)}
    hashes = {run.index.hash("folder", key): key for key in chosen}
    unwanted = {run.index.hash("folder", folder.key) for folder in listed} - hashes.keys()
    rows = add_fresh(run, hashes, chosen)
    run.states = sorted(
        (state_of(row, chosen[hashes[row.hash]]) for row in rows if row.hash in hashes),
        key=lambda state: (FIRST.get(state.folder.role, 2), state.id),
    )
    left = [row for row in rows if row.hash not in hashes]
    for row in left:
        keep_from(run, row)
    empty_unwanted(run, unwanted)
    if left:
        with run.store.workspace(run.mailbox.workspace_id) as connection:
            run.hold(connection)
            folder_queries.remove(connection, [row.id for row in left], datetime.now(UTC))
    return run.states


def add_fresh(
    run: Run, hashes: Mapping[bytes, str], chosen: Mapping[str, Folder]
) -> Sequence[AnyRow]:
    """Write folders that are new; return all that are known."""
    mailbox = run.mailbox.id
    with run.store.workspace(run.mailbox.workspace_id) as connection:
        run.hold(connection)
        rows = folder_queries.of_mailbox(connection, mailbox)
        known = {row.hash for row in rows}
        fresh = [(hash_, key) for hash_, key in hashes.items() if hash_ not in known]
        if not fresh:
            return rows
        ids = folder_queries.next_ids(connection, len(fresh))
        folder_queries.add(
            connection,
            [
                new_folder(run.mailbox, id_, hash_, chosen[key], run.mailbox_key)
                for id_, (hash_, key) in zip(ids, fresh, strict=True)
            ],
        )
        return folder_queries.of_mailbox(connection, mailbox)


def state_of(row: AnyRow, folder: Folder) -> FolderState:
    """Return what is known of a folder."""
    return FolderState(
        id=row.id,
        folder=folder,
        cursor=None if row.cursor is None else Cursor(row.cursor),
        mark=row.mark,
        remaining=row.remaining,
        examined=row.examined,
        searched_version=row.searched_version,
    )


def empty_unwanted(run: Run, hashes: Collection[bytes]) -> None:
    """Remove the mails of folders that are there, but that the user no longer wants read.

    They go whatever the workspace chose for mails that are gone upstream.
    """
    workspace = run.mailbox.workspace_id
    while True:
        with run.store.workspace(workspace) as connection:
            run.hold(connection)
            rows = folder_queries.of_mailbox(connection, run.mailbox.id)
            ids = [row.id for row in rows if row.hash in hashes]
            mails = folder_queries.mails_only_in(connection, ids, REMOVED_AT_ONCE) if ids else []
        if not mails:
            return
        run.removal.remove(workspace, mails, run.hold)


def new_folder(mailbox: AnyRow, id_: int, hash_: bytes, folder: Folder, key: Key) -> dict[str, Any]:
    """Return the row of a new folder, its key and name sealed."""
    card = FolderCard(folder.key, folder.name)
    return {
        "id": id_,
        "workspace_id": mailbox.workspace_id,
        "mailbox_id": mailbox.id,
        "generation": mailbox.generation,
        "hash": hash_,
        "sealed": seal_folder(key, mailbox.workspace_id, id_, mailbox.generation, card),
        "role": folder.role,
        "selected": True,
        "searched_version": 0,
    }


def choose_folders(listed: Sequence[Folder], names: Sequence[str] | None) -> list[Folder]:
    """Return the folders to read: those named, else all but drafts, trash and junk.

    Where one folder holds all mail (Gmail), it alone is read, so that nothing counts twice.
    """
    if names is not None:
        wanted = set(names)
        return [folder for folder in listed if wanted & {folder.key, folder.name}]
    everything = [folder for folder in listed if folder.role is FolderRole.ALL]
    if everything:
        return everything[:1]
    return [folder for folder in listed if folder.role not in UNASKED]
