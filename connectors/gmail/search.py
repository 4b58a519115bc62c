"""Finding the mail of addresses by Gmail's search, and how large it is before it is fetched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.base import Folder, Found, MessageRef
from connectors.gmail.api import GmailApi
from connectors.gmail.query import SIZES, frame_of, larger, searches
from mail.address import Address


def find_messages(
    api: GmailApi,
    folder: Folder,
    addresses: Collection[Address],
    since: datetime | None,
    place: Mapping[str, Any],
) -> Iterator[Found]:
    """Yield what the search finds, each once; `place` keeps a listing to the folder."""
    seen: set[str] = set()
    for query in searches(addresses, frame_of(folder, since), api.limits.query_characters):
        ids = [id_ for id_ in api.list_all(q=query, **place) if id_ not in seen]
        if not ids:
            continue
        sizes = sizes_of(api, query, place)
        seen.update(ids)
        for id_ in ids:
            yield Found(MessageRef(folder.key, id_), sizes.get(id_, SIZES[0][1]), id_)


def sizes_of(api: GmailApi, query: str, place: Mapping[str, Any]) -> dict[str, int]:
    """Return how large the large messages of a search are at most, by id.

    Asked in steps, as long as there is something so large.
    """
    limit = api.limits.message_bytes
    bounds = [bound for _, bound in SIZES[1:]] + [limit]
    sizes: dict[str, int] = {}
    for (word, _), bound in zip(SIZES, bounds, strict=True):
        found = list(api.list_all(q=larger(query, word), **place))
        if not found:
            return sizes
        sizes |= dict.fromkeys(found, bound)
    for id_ in api.list_all(q=larger(query, str(limit)), **place):
        sizes[id_] = limit + 1
    return sizes
