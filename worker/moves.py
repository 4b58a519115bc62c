"""Mails that left a folder for another: they keep what is stored of them, and get a new place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from connectors.base import Envelope, MessageRef
from models.queries import folders as folder_queries

if TYPE_CHECKING:
    from worker.folders import FolderState
    from worker.sync import Run


def keep_moved(
    run: Run, state: FolderState, removed: Sequence[MessageRef]
) -> Collection[MessageRef]:
    """Ask where held mails are that are said to have left a folder (F5, F6).

    Those in another one get their place there; return those that are still here. A place is
    taken before the old one is let go, so a kill between the two only repeats it.
    """
    with run.store.workspace(run.mailbox.workspace_id) as connection:
        held = folder_queries.known_refs(connection, state.id, [ref.id for ref in removed])
    if not held:
        return ()
    there: dict[str, list[Envelope]] = {}
    for envelope in run.connector.moved([ref for ref in removed if ref.id in held]):
        there.setdefault(envelope.ref.folder, []).append(envelope)
    here = there.pop(state.folder.key, [])
    for other in run.states:
        if envelopes := there.get(other.folder.key):
            run.decide_and_write(other, envelopes, live=True, write=lambda *_: None)
    return [envelope.ref for envelope in here]
