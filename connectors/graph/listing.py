"""Lists of messages by when they were received, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connectors.graph.api import GraphApi, Query, items_of
from connectors.graph.cursor import at
from connectors.graph.records import DESCRIBED, Json, received_in, seconds, written


def list_received(
    api: GraphApi, path: str, since: datetime | None, until: int | None, *, live: bool = True
) -> Iterator[Json]:
    """Yield pages of messages of a time: not before `since`, and before the second `until`.

    Graph's own next page counts how many came before it: if one of those goes meanwhile, one is
    left out. So each page but the first begins at the second where the last one ended, and
    what that second has is told again; only within one second it is counted.
    """
    asked: Query | str = query(api, since, until)
    while True:
        answer = api.get(path, asked, live=live)
        yield answer
        link = answer.get("@odata.nextLink")
        if not link:
            return
        oldest = oldest_in(answer)
        if oldest is None or (until is not None and oldest + 1 >= until):
            asked = api.query_of(link)
        else:
            until = oldest + 1
            asked = query(api, since, until)


def query(api: GraphApi, since: datetime | None, until: int | None) -> Query:
    """Return the query of a list."""
    bounds = [] if until is None else [f"receivedDateTime lt {written(at(until))}"]
    if since is not None:
        bounds.append(f"receivedDateTime ge {written(since)}")
    return {
        **({"$filter": " and ".join(bounds)} if bounds else {}),
        "$orderby": "receivedDateTime desc",
        "$top": str(api.limits.page),
        **DESCRIBED,
    }


def times_in(answer: Json) -> list[int]:
    """Return when the messages on a page were received, in seconds since 1970."""
    times = map(received_in, items_of(answer))
    return [seconds(time) for time in times if time is not None]


def newest_in(answer: Json) -> int:
    """Return when the newest message on a page came, 0 if there is none."""
    return max(times_in(answer), default=0)


def oldest_in(answer: Json) -> int | None:
    """Return when the oldest message on a page came, None if there is none."""
    return min(times_in(answer), default=None)
