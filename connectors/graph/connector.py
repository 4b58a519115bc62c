"""The Graph connector: one mailbox at Microsoft 365 or Outlook.com, by delta and search."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from time import monotonic

from connectors.base import (
    Bell,
    ChangePage,
    Cursor,
    Envelope,
    Folder,
    Found,
    MessageRef,
    RawMessage,
    Revocation,
    Watch,
)
from connectors.budget import AnyTurns, Budget, Turns, Unlimited
from connectors.errors import ConnectorError, MessageGone, Misbehaved, Oversize, Unreadable
from connectors.graph import subscriptions
from connectors.graph.account import GraphAccount, GraphLimits
from connectors.graph.api import GraphApi
from connectors.graph.changes import list_changes, pin_folder
from connectors.graph.folders import list_folders
from connectors.graph.records import DESCRIBED, SIZE, Json, envelope_of, received_in, size_of
from connectors.graph.refusals import Forbidden
from connectors.graph.search import Searches
from connectors.oauth.wire import TooLong, Wire
from mail.address import Address

TOLD = 2000
"""Envelopes of search results that are kept until they are asked for."""
PLACE = {"$select": "id,parentFolderId"}
WEIGHED = {"$select": "id,parentFolderId,conversationId,receivedDateTime", "$expand": SIZE}


class GraphConnector:
    """A mailbox by Graph. Of mail it only reads (invariant 11).

    By the ids that it asks for, a message keeps its own when it is moved.
    """

    searches_first = False
    reports_removals = True
    keeps_ids = True
    lists_at_first = True

    def __init__(
        self,
        account: GraphAccount,
        wire: Wire,
        limits: GraphLimits | None = None,
        budget: Budget | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._limits = limits or GraphLimits()
        self._api = GraphApi(
            account, wire, budget or Unlimited(), turns or AnyTurns(), self._limits
        )
        self._searches = Searches(self._api)
        self._told: dict[MessageRef, Envelope] = {}

    @property
    def fetched_together(self) -> int:
        """One batch."""
        return self._limits.batch

    @property
    def round_trip(self) -> timedelta:
        """How long Graph takes to answer for the inbox; nothing is planned by it."""
        began = monotonic()
        self._api.get(f"{self._api.root}/mailFolders/inbox", {"$select": "id"})
        return timedelta(seconds=monotonic() - began)

    def folders(self) -> Sequence[Folder]:
        """List all folders that hold mail; those in Deleted Items count as trash."""
        return list_folders(self._api)

    def changes(
        self, folder: Folder, cursor: Cursor | None, since: datetime | None
    ) -> Iterator[ChangePage]:
        """Yield what the cursor doesn't cover, as `Connector.changes` says, described at once."""
        yield from list_changes(self._api, folder, cursor, since)

    def find(
        self, folder: Folder, addresses: Collection[Address], since: datetime | None
    ) -> Iterator[Found]:
        """Yield what Outlook's search finds for the addresses: whole words, so a superset."""
        self._told.clear()
        for envelope in self._searches.in_folder(folder, addresses, since):
            if len(self._told) >= TOLD:
                del self._told[next(iter(self._told))]
            self._told[envelope.ref] = envelope
            yield Found(envelope.ref, envelope.size, envelope.object_id)

    def pin(self, folder: Folder) -> Cursor:
        """Return a cursor at the folder's present end; as dear as its listing."""
        return pin_folder(self._api, folder)

    def envelopes(self, refs: Sequence[MessageRef]) -> Iterator[Envelope]:
        """Yield the envelopes of those that still lie in their folders."""
        told = {ref: self._told.pop(ref) for ref in refs if ref in self._told}
        yield from told.values()
        for ref, item in self._get([ref for ref in refs if ref not in told], DESCRIBED):
            if item.get("parentFolderId") == ref.folder:
                yield envelope_of(item, ref.folder)

    def moved(self, refs: Sequence[MessageRef]) -> Iterator[Envelope]:
        """Yield the envelopes of those that exist still, at the folders where they lie."""
        for _, item in self._get(refs, DESCRIBED):
            yield envelope_of(item)

    def fetch(self, refs: Sequence[MessageRef], *, live: bool = False) -> Iterator[RawMessage]:
        """Yield whole messages, a few at once, their sizes looked at before."""
        refused: ConnectorError | None = None
        with ThreadPoolExecutor(self._limits.fetched_at_once) as threads:
            under_way: deque[Future[RawMessage | None]] = deque()
            for ref, item in self._get(refs, WEIGHED, live=live):
                if item.get("parentFolderId") == ref.folder:
                    under_way.append(threads.submit(self._fetch, ref, item, live=live))
                if len(under_way) == self._limits.fetched_at_once:
                    refused = yield from handed_out(under_way.popleft(), refused)
                if refused is not None and not isinstance(refused, Unreadable):
                    break
            # What was paid for is handed out before it is said what went wrong.
            while under_way:
                refused = yield from handed_out(under_way.popleft(), refused)
        if refused is not None:
            raise refused

    def gone(self, refs: Sequence[MessageRef]) -> Collection[MessageRef]:
        """Return those of the refs that no longer lie in their folder."""
        there = {
            ref for ref, item in self._get(refs, PLACE) if item.get("parentFolderId") == ref.folder
        }
        return [ref for ref in refs if ref not in there]

    def watch(self, new_bell: Callable[[], Bell], held: str = "") -> Watch | None:
        """Subscribe to what comes and goes in the whole mailbox, or stay subscribed."""
        return subscriptions.watch(self._api, new_bell, held)

    def revoke(self, held: Sequence[str] = ()) -> Revocation:
        """End the subscriptions; a grant can't be ended from here, but by its person."""
        return subscriptions.revoke(self._api, held)

    def close(self) -> None:
        """Let go of what was kept; the connections are the process's own."""
        self._told.clear()

    def _fetch(self, ref: MessageRef, item: Json, *, live: bool) -> RawMessage | None:
        """Return one message; None if it has just gone.

        Raises:
            Unreadable: It is too large, or isn't handed out.
            ConnectorError: What else stands in the way.
        """
        size = size_of(item)
        if size > self._limits.message_bytes:
            raise Oversize(ref.folder, ref.id)
        try:
            raw = self._api.content(ref.id, size, live=live)
        except MessageGone:
            return None
        except TooLong:
            raise Oversize(ref.folder, ref.id) from None
        except (Forbidden, Misbehaved):
            # It was described a moment ago, so it isn't the mailbox that is refused.
            raise Unreadable(ref.folder, ref.id) from None
        return RawMessage(
            ref,
            raw,
            received_at=received_in(item),
            thread_id=item.get("conversationId") or "",
        )

    def _get(
        self, refs: Sequence[MessageRef], query: dict[str, str], *, live: bool = True
    ) -> Iterator[tuple[MessageRef, Json]]:
        """Yield messages with the refs they were asked for by; what is gone is left out."""
        asked: dict[str, list[MessageRef]] = {}
        for ref in refs:
            asked.setdefault(ref.id, []).append(ref)
        paths = {id_: self._api.message(id_) for id_ in asked}
        for id_, item in self._api.get_all(paths, query, live=live):
            for ref in asked[id_]:
                yield ref, item


def handed_out(
    coming: Future[RawMessage | None], refused: ConnectorError | None
) -> Generator[RawMessage, None, ConnectorError | None]:
    """Yield a message if it comes; return what is to be raised, best what ends them all."""
    try:
        message = coming.result()
    except ConnectorError as error:
        return error if refused is None or isinstance(refused, Unreadable) else refused
    if message is not None:
        yield message
    return refused
