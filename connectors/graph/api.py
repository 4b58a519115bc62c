"""The few requests of Graph that are made: paid for, in turn, tried again where that helps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from connectors.budget import Budget, Turns
from connectors.errors import ConnectorError, MessageGone, Misbehaved, Unreachable
from connectors.graph.account import GraphAccount, GraphLimits
from connectors.graph.records import Json
from connectors.graph.refusals import refusal
from connectors.oauth.wire import Reply, Wire, origin_of
from connectors.patience import Patience, worst

VERSION = "/v1.0"
IMMUTABLE = 'IdType="ImmutableId"'
"""Else a message's id changes with its folder (Graph, "Immutable identifiers")."""
FAILED_DEPENDENCY = 424
Query = Mapping[str, str]


class GraphApi:
    """A mailbox's API for one thread. Of mail it only reads."""

    def __init__(
        self,
        account: GraphAccount,
        wire: Wire,
        budget: Budget,
        turns: Turns,
        limits: GraphLimits,
    ) -> None:
        self.limits = limits
        self.root = account.root
        self._base = account.api_url.rstrip("/").removesuffix(VERSION) + VERSION
        self._token = account.token
        self._wire = wire
        self._budget = budget
        self._turns = turns
        self._patience = Patience(limits.patience, budget)
        self._not_expanded: set[str] = set()

    def get(self, path: str, query: Query | str = "", *, page: int = 0, live: bool = True) -> Json:
        """Return what lies at a path; of a delta `page` items at most.

        Raises:
            ConnectorError: What stands in the way.
        """
        prefer = f"{IMMUTABLE}, odata.maxpagesize={page}" if page else IMMUTABLE
        return self._patience(
            lambda: self._json("GET", with_query(path, query), prefer=prefer, live=live)
        )

    def get_expanded(self, path: str, query: Query, expand: str, *, page: int, live: bool) -> Json:
        """Return what lies at a path, expanded if Graph does that there.

        Seen 2018: a delta that answers 500 to an `$expand` it is documented to take.
        """
        if expand not in self._not_expanded:
            try:
                return self.get(path, {**query, "$expand": expand}, page=page, live=live)
            except (Misbehaved, Unreachable):
                self._not_expanded.add(expand)
        return self.get(path, query, page=page, live=live)

    def expands(self, expand: str) -> bool:
        """Tell whether Graph has expanded what it was last asked to."""
        return expand not in self._not_expanded

    def pages(self, path: str, query: Query, *, live: bool = True) -> Iterator[Json]:
        """Yield the pages of a list."""
        asked: Query | str = query
        while True:
            answer = self.get(path, asked, live=live)
            yield answer
            link = answer.get("@odata.nextLink")
            if not link:
                return
            asked = self.query_of(link)

    def query_of(self, link: Any) -> str:
        """Return the query of a link in an answer: the path is known, and nothing else counts.

        Raises:
            Misbehaved: It leads to another host.
        """
        try:
            is_ours = origin_of(link) == origin_of(self._base)
        except (ValueError, TypeError, AttributeError):
            is_ours = False
        if not is_ours:
            raise Misbehaved("a link to another host")
        return str(urlsplit(link).query)

    def content(self, message_id: str, size: int, *, live: bool) -> bytes:
        """Return a message as MIME, `size` bytes as far as known.

        Raises:
            TooLong: It is larger than a message may be.
            MessageGone: It is no longer there.
        """
        most = self.limits.message_bytes
        # What the store counts isn't what is sent: attachments come as base64.
        within = self.limits.timeout + timedelta(
            seconds=min(2 * size, most) / self.limits.bytes_a_second
        )
        path = self.message(message_id) + "/$value"
        return self._patience(
            lambda: self._answer("GET", path, live=live, most_bytes=most, within=within).body
        )

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Change something that is our own: a subscription, never mail."""
        sent = None if body is None else orjson.dumps(body)
        return self._patience(lambda: self._json(method, path, body=sent))

    def message(self, message_id: str) -> str:
        """Return the path of a message."""
        return f"{self.root}/messages/{quote(message_id, safe='')}"

    def get_all(
        self, asked: Mapping[str, str], query: Query, *, live: bool = True
    ) -> Iterator[tuple[str, Json]]:
        """Yield by key what lies at many paths, in batches; what is gone is left out."""
        keys = list(asked)
        for begin in range(0, len(keys), self.limits.batch):
            some = {
                key: with_query(asked[key], query)
                for key in keys[begin : begin + self.limits.batch]
            }
            got: dict[str, Json] = {}
            try:
                self._get_some(some, got, live=live)
            except ConnectorError:
                # What was paid for is handed out before it is said what went wrong.
                yield from got.items()
                raise
            yield from got.items()

    def _get_some(self, asked: dict[str, str], got: dict[str, Json], *, live: bool) -> None:
        """Fill in one batch, and what of it was refused by further ones."""

        def ask() -> None:
            while asked:
                refused = self._ask_batch(asked, got, live=live)
                for key in [key for key in asked if key in got]:
                    del asked[key]
                gone = [key for key, error in refused.items() if isinstance(error, MessageGone)]
                for key in gone:
                    del asked[key]
                if len(gone) < len(refused):
                    raise worst(refused.values())

        self._patience(ask)

    def _ask_batch(
        self, asked: Mapping[str, str], got: dict[str, Json], *, live: bool
    ) -> dict[str, ConnectorError]:
        """Send one batch; fill what came and return what was refused, by key.

        Each request waits for the one before, so that the batch has one turn and not twenty
        (Graph, "Throttling limits" of Outlook): one that fails leaves those behind it undone.
        """
        numbered = dict(enumerate(asked))
        requests = [
            {
                "id": str(number),
                "method": "GET",
                "url": asked[key],
                "headers": {"Prefer": IMMUTABLE},
                **({"dependsOn": [str(number - 1)]} if number else {}),
            }
            for number, key in numbered.items()
        ]
        answer = self._json(
            "POST",
            "/$batch",
            body=orjson.dumps({"requests": requests}),
            cost=len(requests),
            live=live,
        )
        refused: dict[str, ConnectorError] = {}
        answered = 0
        for part in answer.get("responses") or ():
            key = numbered.get(number_of(part))
            status = part.get("status") if key is not None else None
            if key is None or not isinstance(status, int):
                continue
            answered += 1
            body = part.get("body")
            if status == 200 and isinstance(body, dict):
                got[key] = body
            elif status != FAILED_DEPENDENCY:
                refused[key] = refusal(Reply(status, part.get("headers") or {}, orjson.dumps(body)))
        if not answered or not (refused or any(key in got for key in asked)):
            raise Unreachable("half an answer")
        return refused

    def _json(
        self,
        method: str,
        path: str,
        *,
        prefer: str = IMMUTABLE,
        body: bytes | None = None,
        cost: int = 1,
        live: bool = True,
    ) -> Json:
        reply = self._answer(
            method,
            path,
            prefer=prefer,
            body=body,
            cost=cost,
            live=live,
            most_bytes=self.limits.answer_bytes,
        )
        if not reply.body:
            return {}
        try:
            answer = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            raise Unreachable("half an answer") from None
        if not isinstance(answer, dict):
            raise Misbehaved("the answer is not a JSON object")
        return answer

    def _answer(
        self,
        method: str,
        path: str,
        *,
        most_bytes: int,
        prefer: str = IMMUTABLE,
        body: bytes | None = None,
        cost: int = 1,
        live: bool = True,
        within: timedelta | None = None,
    ) -> Reply:
        """Send one request, paid for and in turn.

        Raises:
            Paced: Nothing is left to pay with, or no turn is free.
            ConnectorError: What the answer means, if it isn't good.
        """
        self._budget.spend(cost, live=live)
        headers = {"Authorization": f"Bearer {self._token}", "Prefer": prefer}
        if body is not None:
            headers["Content-Type"] = "application/json"
        longest = within or self.limits.timeout
        # The last piece may take as long again as the wire waits for one.
        with self._turns.turn(longest + self.limits.timeout):
            reply = self._wire.exchange(
                method,
                self._base + path,
                headers,
                body,
                most_bytes=most_bytes,
                within=longest,
            )
        if not 200 <= reply.status < 300:
            raise refusal(reply)
        return reply


def with_query(path: str, query: Query | str) -> str:
    """Return a path with its query."""
    if not isinstance(query, str):
        query = urlencode(query, quote_via=quote, safe="$,()'")
    return f"{path}?{query}" if query else path


def number_of(part: Mapping[str, Any]) -> int:
    """Return which request of a batch an answer is to; -1 if it doesn't say."""
    try:
        return int(part["id"])
    except (KeyError, TypeError, ValueError):
        return -1


def items_of(answer: Json) -> Sequence[Json]:
    """Return the items of a page.

    Raises:
        Misbehaved: There is no list of them.
    """
    items = answer.get("value")
    if not isinstance(items, list):
        raise Misbehaved("a page without items")
    return items
