"""Finding the mail of addresses in the whole mailbox at once, however much there is of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from connectors.base import Envelope, Folder
from connectors.graph.api import GraphApi, items_of
from connectors.graph.listing import list_received
from connectors.graph.query import Days, groups, search_for
from connectors.graph.records import SELECT, envelope_of, seconds
from mail.address import Address, domain_of

DAY = timedelta(days=1)


class Searches:
    """Searches all folders by one question, and keeps what it found for their turns."""

    def __init__(self, api: GraphApi) -> None:
        self._api = api
        self._asked: object = None
        self._hits: dict[str, list[Envelope]] = {}

    def in_folder(
        self, folder: Folder, addresses: Collection[Address], since: datetime | None
    ) -> Iterator[Envelope]:
        """Yield what is found of the addresses in one folder, each once."""
        asked = (tuple(addresses), since)
        if self._asked == asked:
            yield from self._hits.pop(folder.key, ())
            return
        self._asked, self._hits = None, {}
        kept = 0
        seen: set[str] = set()
        for envelope in self._everywhere(list(addresses), since):
            if envelope.ref.id in seen:
                continue
            seen.add(envelope.ref.id)
            if envelope.ref.folder == folder.key:
                yield envelope
                continue
            kept += 1
            if kept <= self._api.limits.kept_hits:
                self._hits.setdefault(envelope.ref.folder, []).append(envelope)
        if kept <= self._api.limits.kept_hits:
            self._asked = asked

    def _everywhere(
        self, addresses: Sequence[Address], since: datetime | None
    ) -> Iterator[Envelope]:
        """Yield what is found in all folders; some of it more than once."""
        first = None if since is None else since.astimezone(UTC).date() - DAY
        for group in groups(addresses, self._api.limits.query_characters):
            yield from self._within(group, Days(first))
        # What came just now isn't in the index yet.
        lately = datetime.now(UTC) - self._api.limits.index_lag
        yield from self._listed(addresses, lately, None)

    def _within(self, addresses: Sequence[Address], days: Days) -> Iterator[Envelope]:
        """Yield what is found in a span of days; parts it where one search can't tell all."""
        found = list(self._search(addresses, days))
        if len(found) < self._api.limits.search_results:
            yield from found
        elif not days.is_one:
            for part in days.parted(middle(found, days)):
                yield from self._within(addresses, part)
        elif len(addresses) > 1:
            half = len(addresses) // 2
            yield from self._within(addresses[:half], days)
            yield from self._within(addresses[half:], days)
        elif days.first is not None:
            # The day may be that of another time zone.
            begin = datetime.combine(days.first, time(), UTC)
            yield from self._listed(addresses, begin - DAY, begin + 2 * DAY)

    def _search(self, addresses: Sequence[Address], days: Days) -> Iterator[Envelope]:
        """Yield what one search tells."""
        query = {
            "$search": search_for(addresses, days),
            "$select": SELECT,
            "$top": str(self._api.limits.page),
        }
        for answer in self._api.pages(f"{self._api.root}/messages", query, live=False):
            yield from map(envelope_of, items_of(answer))

    def _listed(
        self, addresses: Collection[Address], begin: datetime, end: datetime | None
    ) -> Iterator[Envelope]:
        """Yield the mail of addresses from a list of all mail of a time."""
        wanted = frozenset(addresses)
        path, until = f"{self._api.root}/messages", None if end is None else seconds(end)
        for answer in list_received(self._api, path, begin, until, live=False):
            for envelope in map(envelope_of, items_of(answer)):
                named = {*envelope.sender, *envelope.recipients, *envelope.reply_to}
                if wanted & (named | {f"@{domain_of(one)}" for one in named}):
                    yield envelope


def middle(found: Sequence[Envelope], days: Days) -> date:
    """Return a day that parts a span so that either part has less than the whole."""
    received = sorted(envelope.received_at for envelope in found)
    day = received[len(received) // 2].date()
    if days.first is not None and day <= days.first:
        day = days.first + DAY
    if days.end is not None and day >= days.end:
        day = days.end - DAY
    return day
