"""What reaches a mailbox by Graph, and how much is asked for at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote

from mail.address import Address

API_URL = "https://graph.microsoft.com"


@dataclass(frozen=True, slots=True)
class GraphAccount:
    """A mailbox and an access token that outlives the job it is used for.

    `address` names a mailbox that isn't the token's own: a shared one, or one that an
    application reads by itself.
    """

    token: str = field(repr=False)
    api_url: str = API_URL
    address: Address | None = field(default=None, repr=False)

    @property
    def root(self) -> str:
        """The path of the mailbox, below the API's version."""
        return "/me" if self.address is None else f"/users/{quote(self.address, safe='@')}"


@dataclass(frozen=True, slots=True)
class GraphLimits:
    """How much is asked for at a time, and how long is waited for it.

    `page` is the number of messages on a page (1,000 at most), `batch` the requests in one
    batch (20 at most), `fetched_at_once` the messages that come at the same time,
    `search_results` how many one search tells at most, and
    `query_characters` bounds it. A larger message than `message_bytes` isn't fetched; others
    have `bytes_a_second` at least. `patience` is how long a short refusal is waited out.
    `kept_hits` bounds what a search finds in other folders and is kept for their turn. After
    `listed_again` a folder that has changed is listed whole, beside its delta. `index_lag` is
    after how long a search surely knows what has come.
    """

    page: int = 250
    batch: int = 20
    fetched_at_once: int = 3
    search_results: int = 1000
    query_characters: int = 1500
    message_bytes: int = 35 * 2**20
    answer_bytes: int = 32 * 2**20
    bytes_a_second: int = 256 * 2**10
    timeout: timedelta = timedelta(seconds=30)
    patience: timedelta = timedelta(seconds=8)
    kept_hits: int = 20_000
    listed_again: timedelta = timedelta(days=7)
    index_lag: timedelta = timedelta(minutes=15)
