"""Searching the past: for addresses that came after a folder was covered, or instead of a scan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import TYPE_CHECKING, TypeVar

from connectors.base import MessageRef
from mail.address import Address
from models.queries import folders as folder_queries
from models.queries import policies
from privacy.contents import open_lead_address
from privacy.vault import Vault
from worker.planner import Approach, choose

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from connectors.base import Cursor
    from worker.folders import FolderState
    from worker.sync import Run

ADDRESSES_AT_ONCE = 500
ENVELOPES_AT_ONCE = 1000
T = TypeVar("T")


class History:
    """Finds the mail of lead addresses in the past of folders, many addresses at a time."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def search(self, run: Run, state: FolderState) -> bool:
        """Search a folder's past for addresses it wasn't searched for yet.

        Return False if the run's slice ended before; the next goes on at the policy version
        that this one reached.
        """
        version, _ = run.policies.current(run.mailbox.workspace_id)
        if state.searched_version >= version:
            return True
        new = count(run, state.searched_version)
        if (
            new
            and choose(new, state.folder.messages or 0, run.connector.round_trip) is Approach.SCAN
        ):
            return self.rescan(run, state)
        if new and not self.find(run, state):
            return False
        self.mark_searched(run, state, version)
        return True

    def search_instead(self, run: Run, state: FolderState) -> None:
        """Let searches cover a folder that was never listed; its end is pinned first (F2)."""
        cursor = run.connector.pin(state.folder)
        self.mark_searched(run, state, 0, cursor)
        state.cursor, state.remaining = cursor, 0

    def rescan(self, run: Run, state: FolderState) -> bool:
        """List the folder anew, where that is cheaper than a search."""
        state.cursor = None
        while not run.list_some(state, others_wait=False):
            if run.is_over():
                return False
        return True

    def find(self, run: Run, state: FolderState) -> bool:
        """Search for all addresses that are new to the folder; False if the slice ended.

        It may end only where a policy version does, so that every run gets further.
        """
        for version, addresses in self.addresses(run, state.searched_version):
            if version - 1 > state.searched_version:
                self.mark_searched(run, state, version - 1)
                if run.is_over():
                    return False
            found = run.connector.find(state.folder, addresses, run.mailbox.since)
            for refs in chunks(found, ENVELOPES_AT_ONCE):
                self.take_in(run, state, refs)
            with run.store.workspace(run.mailbox.workspace_id) as connection:
                run.hold(connection)
        return True

    def take_in(self, run: Run, state: FolderState, refs: Sequence[MessageRef]) -> None:
        """Decide on found messages that aren't held, by their envelopes."""
        with run.store.workspace(run.mailbox.workspace_id) as connection:
            held = folder_queries.known_refs(connection, state.id, [ref.id for ref in refs])
        new = [ref for ref in refs if ref.id not in held]
        if not new:
            return
        envelopes = list(run.connector.envelopes(new))
        state.examined += len(envelopes)

        def write(connection: Connection, _: datetime) -> None:
            folder_queries.change(connection, state.id, examined=state.examined)

        run.decide_and_write(state, envelopes, live=False, write=write)

    def mark_searched(
        self, run: Run, state: FolderState, version: int, cursor: Cursor | None = None
    ) -> None:
        """Remember up to which policy version the folder's past has been searched."""
        progress = {} if cursor is None else {"cursor": cursor, "remaining": 0}
        with run.store.workspace(run.mailbox.workspace_id) as connection:
            run.hold(connection)
            folder_queries.change(connection, state.id, searched_version=version, **progress)
        state.searched_version = version

    def addresses(self, run: Run, after_version: int) -> Iterator[tuple[int, list[Address]]]:
        """Yield addresses in clear (domains as "@example.com"), in order of policy version.

        Each list is of one version.
        """
        workspace, last = run.mailbox.workspace_id, (after_version, 0)
        while True:
            with run.store.workspace(workspace) as connection:
                rows = policies.lead_addresses_since(connection, last, ADDRESSES_AT_ONCE)
            if not rows:
                return
            keys = self.vault.lead_keys(workspace, {row.lead_id for row in rows})
            for version, group in groupby(rows, key=lambda row: row.added_version):
                clear = [
                    searched(row.kind, open_lead_address(key, workspace, row.id, row.sealed))
                    for row in group
                    if (key := keys.get(row.lead_id)) is not None
                ]
                yield version, clear
            last = (rows[-1].added_version, rows[-1].id)

    def count_addresses(self, run: Run) -> int:
        """Return how many addresses and domains there are to search for."""
        return count(run, 0)


def searched(kind: str, text: str) -> Address:
    """Return what to search for: an address, or a domain behind its @."""
    return Address("@" + text if kind == "domain" else text)


def count(run: Run, after_version: int) -> int:
    """Return how many active lead addresses came after a policy version."""
    with run.store.workspace(run.mailbox.workspace_id) as connection:
        return policies.count_lead_addresses(connection, after_version)


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most `size`."""
    left = iter(items)
    while chunk := list(islice(left, size)):
        yield chunk
