"""The Gmail connector: match before fetch by Gmail's own search, changes by its history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from time import monotonic
from typing import Any

from connectors.base import (
    Bell,
    ChangePage,
    Cursor,
    Envelope,
    Folder,
    FolderRole,
    Found,
    MessageRef,
    RawMessage,
    Revocation,
    Watch,
)
from connectors.budget import Budget, Unlimited
from connectors.egress import Egress
from connectors.errors import (
    ConnectorError,
    CursorExpired,
    FolderGone,
    MessageGone,
    Misbehaved,
    Oversize,
)
from connectors.gmail.account import GmailAccount, GmailLimits
from connectors.gmail.api import GmailApi
from connectors.gmail.cursor import Position, seconds
from connectors.gmail.history import ALL_MAIL, HIDDEN, ROLES, holds, net_changes
from connectors.gmail.query import frame_of
from connectors.gmail.records import decoded, envelope_of, received_at
from connectors.gmail.refusals import PageExpired
from connectors.gmail.search import find_messages
from mail.address import Address

WATCH_RENEWED = timedelta(days=1)
"""As Google recommends (push guide, "Renew mailbox watch"); a watch itself lasts seven."""
FORM = "id,threadId,labelIds,internalDate,sizeEstimate"
HEADERS = ["From", "Sender", "To", "Cc", "Bcc", "Reply-To", "Message-ID"]


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


class GmailConnector:
    """A Gmail mailbox by its API. Reads only (invariant 11).

    Its folders are the labels, and one that holds all mail. Message ids never change, so a
    mail keeps its id in every folder.
    """

    searches_first = True
    reports_removals = True
    keeps_ids = True
    lists_at_first = False

    def __init__(
        self,
        account: GmailAccount,
        egress: Egress,
        limits: GmailLimits | None = None,
        budget: Budget | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._limits = limits or GmailLimits()
        self._api = GmailApi(account, egress, budget or Unlimited(), self._limits)
        self._topic = account.topic
        self._clock = clock
        self._answered: float | None = None

    @property
    def fetched_together(self) -> int:
        """One batch."""
        return self._limits.batch

    @property
    def round_trip(self) -> timedelta:
        """How long Gmail took to answer for its profile."""
        began = monotonic()
        if self._answered is None:
            self._api.profile()
            self._answered = monotonic() - began
        return timedelta(seconds=self._answered)

    @cached_property
    def _labels(self) -> Mapping[str, str]:
        return {label["id"]: label["name"] for label in self._api.labels()}

    def folders(self) -> Sequence[Folder]:
        """List all mail and the labels; the mark of each is the mailbox's history id."""
        self.__dict__.pop("_labels", None)
        profile = self._api.profile()
        mark, total = str(profile["historyId"]), int(profile["messagesTotal"])
        everything = Folder(ALL_MAIL, "All Mail", FolderRole.ALL, mark, total)
        return [everything] + [
            Folder(id_, name, ROLES.get(id_, FolderRole.OTHER), mark)
            for id_, name in self._labels.items()
        ]

    def changes(
        self, folder: Folder, cursor: Cursor | None, since: datetime | None
    ) -> Iterator[ChangePage]:
        """Yield what the cursor doesn't cover, as `Connector.changes` says, by id only."""
        self._check(folder)
        position = None
        if cursor is not None:
            try:
                position = Position.read(cursor)
                position, page = self._news(folder, position)
            except CursorExpired:
                position = self._pinned(since)
                page = ChangePage(position.written(), expired=True, remaining=1)
            else:
                wanted = seconds(since)
                if wanted < position.since:
                    position = replace(position, since=wanted, past="")
                page = replace(page, cursor=position.written(), remaining=int(position.is_behind))
            if page.refs or page.removed or page.expired or not position.is_behind:
                yield page
        if position is None:
            position = self._pinned(since)
        yield from self._past(folder, position, since)

    def find(
        self, folder: Folder, addresses: Collection[Address], since: datetime | None
    ) -> Iterator[Found]:
        """Yield what Gmail's search finds for the addresses: whole words, so a superset."""
        yield from find_messages(self._api, folder, addresses, since, self._place(folder))

    def pin(self, folder: Folder) -> Cursor:
        """Return a cursor at the mailbox's present end that counts all before it as covered."""
        self._check(folder)
        return replace(self._pinned(None), past=None).written()

    def envelopes(self, refs: Sequence[MessageRef]) -> Iterator[Envelope]:
        """Yield the envelopes of those that still exist; header fields only.

        As dear as the messages themselves: the sync asks for none.
        """
        form = {"format": "metadata", "metadataHeaders": HEADERS}
        for ref, message in self._get(refs, f"{FORM},payload/headers", form):
            yield envelope_of(ref, message)

    def fetch(self, refs: Sequence[MessageRef], *, live: bool = False) -> Iterator[RawMessage]:
        """Yield whole messages, in batches."""
        large: MessageRef | None = None
        for ref, message in self._get(refs, f"{FORM},raw", {"format": "raw"}, live=live):
            raw = decoded(message["raw"])
            if len(raw) > self._limits.message_bytes:
                large = ref
                continue
            yield RawMessage(
                ref,
                raw,
                received_at=received_at(message),
                thread_id=message.get("threadId", ""),
                is_sent="SENT" in message.get("labelIds", ()),
            )
        if large is not None:
            raise Oversize(large.folder, large.id)

    def gone(self, refs: Sequence[MessageRef]) -> Collection[MessageRef]:
        """Return those of the refs that no longer lie in their folder."""
        there = {ref for ref, _ in self._get(refs, "id,labelIds", {"format": "minimal"})}
        return [ref for ref in refs if ref not in there]

    def moved(self, refs: Sequence[MessageRef]) -> Iterator[Envelope]:
        """Yield nothing: what is said to have left a folder has."""
        del refs
        yield from ()

    def watch(self, new_bell: Callable[[], Bell], held: str = "") -> Watch | None:
        """Ask Gmail to push to the Pub/Sub topic, which rings by its own ways."""
        del new_bell, held
        if not self._topic:
            return None
        until = datetime.fromtimestamp(self._api.watch(self._topic) / 1000, UTC)
        return Watch(until, min(until, self._clock() + WATCH_RENEWED))

    def revoke(self, held: Sequence[str] = ()) -> Revocation:
        """End the pushes; the grant itself is ended where it was given, at the token's side."""
        del held
        if not self._topic:
            self.close()
            return Revocation()
        try:
            self._api.stop()
        except ConnectorError as error:
            return Revocation(failed=(f"push notifications: {error.code}",))
        finally:
            self.close()
        return Revocation(ended=("push notifications",))

    def close(self) -> None:
        """Let go of the connection; never raises."""
        self._api.close()

    def _pinned(self, since: datetime | None) -> Position:
        return Position.pinned(int(self._api.profile()["historyId"]), self._clock(), since)

    def _check(self, folder: Folder) -> None:
        if folder.key != ALL_MAIL and folder.key not in self._labels:
            raise FolderGone("no such label")

    def _news(self, folder: Folder, position: Position) -> tuple[Position, ChangePage]:
        """Return what history says since a position.

        Raises:
            CursorExpired: The position is too old.
        """
        records: list[Mapping[str, Any]] = []
        token, reached = "", position.settled
        try:
            while True:
                answer = self._api.history(position.settled, token)
                records += answer.get("history", ())
                token = answer.get("nextPageToken", "")
                # More than enough for one look: the rest is there for the next.
                if token and len(records) >= self._limits.changes:
                    reached = int(records[-1]["id"])
                    break
                reached = int(answer["historyId"])
                if not token:
                    break
        except (MessageGone, PageExpired):
            raise CursorExpired from None
        came, left = net_changes(folder, records)
        is_whole = not token
        if is_whole:
            lag = self._limits.index_lag
            position = position.advanced(reached, self._clock(), lag, quiet=not (came and lag))
        else:
            position = replace(position, settled=reached, seen=reached)
        return position, ChangePage(
            position.written(),
            refs=tuple(MessageRef(folder.key, id_) for id_ in came),
            removed=tuple(MessageRef(folder.key, id_) for id_ in left),
            live=True,
            settled=position.is_settled and is_whole,
        )

    def _past(
        self, folder: Folder, position: Position, since: datetime | None
    ) -> Iterator[ChangePage]:
        """Yield pages of the past from where the position stands; none if it is covered."""
        listed = 0
        while position.past is not None:
            query = {"q": frame_of(folder, since).strip(), **self._place(folder)}
            try:
                answer = self._api.list(position.past, **query)
            except PageExpired:
                if not position.past:
                    raise Misbehaved("a listing is refused") from None
                position = replace(position, past="")
                continue
            ids = [message["id"] for message in answer.get("messages", ())]
            listed += len(ids)
            token = answer.get("nextPageToken")
            position = replace(position, past=token)
            left = max(int(answer.get("resultSizeEstimate", 0)) - listed, 1) if token else 0
            yield ChangePage(
                position.written(),
                refs=tuple(MessageRef(folder.key, id_) for id_ in ids),
                remaining=left,
            )

    def _place(self, folder: Folder) -> dict[str, Any]:
        """Return the parameters of a listing that keep it to a folder."""
        self._check(folder)
        place: dict[str, Any] = {}
        if folder.key != ALL_MAIL:
            place["labelIds"] = [folder.key]
        if folder.key in HIDDEN:
            place["includeSpamTrash"] = True
        return place

    def _get(
        self,
        refs: Sequence[MessageRef],
        fields: str,
        form: Mapping[str, Any],
        *,
        live: bool = False,
    ) -> Iterator[tuple[MessageRef, Mapping[str, Any]]]:
        """Yield messages with the refs they were asked for by, if they lie there."""
        wanted: dict[str, list[MessageRef]] = {}
        for ref in refs:
            wanted.setdefault(ref.id, []).append(ref)
        for message in self._api.get(wanted, live=live, fields=fields, **form):
            for ref in wanted[message["id"]]:
                folder = Folder(ref.folder, "", FolderRole.OTHER)
                if holds(folder, message.get("labelIds", ())):
                    yield ref, message
