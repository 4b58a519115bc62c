"""Searching the past: for addresses that came after a folder was covered, or instead of a scan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from connectors.base import Found, MessageRef
from mail.address import Address
from models.queries import folders as folder_queries
from models.queries import policies
from privacy.contents import open_lead_address
from privacy.vault import Vault
from worker.planner import Approach, choose

if TYPE_CHECKING:
    from sqlalchemy import Connection

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
        if new and not self.is_better_searched(run, state, new):
            return self.rescan(run, state)
        if new and not self.find(run, state):
            return False
        self.mark_searched(run, state, version)
        return True

    def is_better_searched(self, run: Run, state: FolderState, addresses: int) -> bool:
        """Tell whether the provider finds so many addresses' mail cheaper than a listing."""
        if run.connector.searches_first or run.connector.lists_at_first:
            return True
        approach = choose(addresses, state.folder.messages or 0, run.connector.round_trip)
        return approach is Approach.SEARCH

    def search_instead(self, run: Run, state: FolderState, *, forgets: bool = False) -> None:
        """Let searches cover a folder instead of a listing; its end is pinned first (F2).

        With `forgets`, for an expired cursor, all places wait to be found again (F1).
        """
        cursor = run.connector.pin(state.folder)
        with run.store.workspace(run.mailbox.workspace_id) as connection:
            run.hold(connection)
            if forgets:
                folder_queries.forget_all_refs(connection, state.id, datetime.now(UTC))
            folder_queries.change(
                connection, state.id, searched_version=0, cursor=cursor, remaining=0
            )
        state.searched_version, state.cursor, state.remaining = 0, cursor, 0

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
            found = run.connector.find(state.folder, addresses, run.mailbox.since)
            for some in chunks(found, ENVELOPES_AT_ONCE):
                self.take_in(run, state, some)
            if version > state.searched_version:
                self.mark_searched(run, state, version)
                if run.is_over():
                    return False
        return True

    def among(self, run: Run, state: FolderState, refs: Iterable[MessageRef]) -> list[Found]:
        """Return those of the refs that a search for all addresses finds."""
        wanted = {ref.id for ref in refs}
        hits: dict[str, Found] = {}
        for _, addresses in self.addresses(run, 0) if wanted else ():
            for found in run.connector.find(state.folder, addresses, run.mailbox.since):
                if found.ref.id in wanted:
                    hits[found.ref.id] = found
        return list(hits.values())

    def take_in(self, run: Run, state: FolderState, some: Sequence[Found]) -> None:
        """Decide on found messages that aren't held, by their envelopes where that is cheap."""
        with run.store.workspace(run.mailbox.workspace_id) as connection:
            held = folder_queries.known_refs(connection, state.id, [one.ref.id for one in some])
        new = [one for one in some if one.ref.id not in held]
        if not new:
            return
        state.examined += len(new)

        def write(connection: Connection, _: datetime) -> None:
            folder_queries.change(connection, state.id, examined=state.examined)

        if run.connector.searches_first:
            run.decide_and_write(state, (), new, live=False, write=write)
            return
        envelopes = list(run.connector.envelopes([one.ref for one in new]))
        run.decide_and_write(state, envelopes, live=False, write=write)

    def mark_searched(self, run: Run, state: FolderState, version: int) -> None:
        """Remember up to which policy version the folder's past has been searched."""
        with run.store.workspace(run.mailbox.workspace_id) as connection:
            run.hold(connection)
            folder_queries.change(connection, state.id, searched_version=version)
        state.searched_version = version

    def addresses(self, run: Run, after_version: int) -> Iterator[tuple[int, list[Address]]]:
        """Yield addresses in clear (domains as "@example.com"), in order of policy version.

        With each list comes the version that it completes: all of that and before was yielded.
        """
        workspace, last = run.mailbox.workspace_id, (after_version, 0)
        while True:
            with run.store.workspace(workspace) as connection:
                rows = policies.lead_addresses_since(connection, last, ADDRESSES_AT_ONCE)
            if not rows:
                return
            keys = self.vault.lead_keys(workspace, {row.lead_id for row in rows})
            last = (rows[-1].added_version, rows[-1].id)
            # The next list may begin within the last one's version.
            complete = last[0] - 1 if len(rows) == ADDRESSES_AT_ONCE else last[0]
            clear = [
                searched(row.kind, open_lead_address(key, workspace, row.id, row.sealed))
                for row in rows
                if (key := keys.get(row.lead_id)) is not None
            ]
            yield complete, clear

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
