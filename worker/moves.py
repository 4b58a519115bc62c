"""Mails that left a folder for another: what is stored of them stays, and gets a new place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from connectors.base import Envelope, MessageRef
from models.base import AnyRow
from models.queries import folders as folder_queries
from privacy.contents import open_folder

if TYPE_CHECKING:
    from worker.sync import Run

ASKED_AT_ONCE = 500


def keep_moved(run: Run, removed: Sequence[MessageRef]) -> Collection[MessageRef]:
    """Ask where mails are that are said to have left their folder; return where they are (F5, F6).

    Those in a folder that is read are taken in there, for its own listing may not name them:
    seen 2023 at Graph, by ids that outlive moves. What is stored of them gets its new place
    before it loses the old one, so a kill between the two only repeats it.
    """
    there: dict[str, list[Envelope]] = {}
    for envelope in run.connector.moved(removed):
        there.setdefault(envelope.ref.folder, []).append(envelope)
    for state in run.states:
        if envelopes := there.get(state.folder.key):
            run.decide_and_write(state, envelopes, live=True, write=lambda *_: None)
    return {envelope.ref for envelopes in there.values() for envelope in envelopes}


def keep_from(run: Run, folder: AnyRow) -> None:
    """Ask where the mails of a folder are that is gone, or isn't read any more."""
    if not run.connector.keeps_ids:
        return
    mailbox = run.mailbox
    card = open_folder(
        run.mailbox_key, mailbox.workspace_id, folder.id, folder.generation, folder.sealed
    )
    after = ""
    while True:
        with run.store.workspace(mailbox.workspace_id) as connection:
            refs = folder_queries.refs_in(connection, folder.id, after, ASKED_AT_ONCE)
        if not refs:
            return
        keep_moved(run, [MessageRef(card.key, ref) for ref in refs])
        after = refs[-1]
