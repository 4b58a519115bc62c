"""What reaches a Gmail mailbox, what its calls cost, and how much is taken at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

API_URL = "https://gmail.googleapis.com"

COSTS: Mapping[str, int] = MappingProxyType(
    {
        "users.getProfile": 1,
        "users.labels.list": 1,
        "users.history.list": 2,
        "users.messages.list": 5,
        "users.messages.get": 20,
        "users.watch": 100,
        "users.stop": 50,
    }
)
"""Quota units of each method for projects made since 2026-05-01.

Google changed them in 2026 and will again, so they are a setting (Gmail API, usage limits).
"""


@dataclass(frozen=True, slots=True)
class GmailAccount:
    """A Gmail mailbox and an access token that outlives the job it is used for.

    `topic` is the Pub/Sub topic that changes are pushed to; without one it is polled.
    """

    token: str = field(repr=False)
    api_url: str = API_URL
    topic: str = ""
    costs: Mapping[str, int] = field(default_factory=lambda: COSTS)


@dataclass(frozen=True, slots=True)
class GmailLimits:
    """How much is asked for at a time, and how long is waited for it.

    `page` is the number of ids on a page of a listing (500 at most), `changes` how many
    history records are gathered before they are looked at, `batch` the calls in one batch
    (at most 50 are advised; whoever is killed with one in hand pays for it again).
    `query_characters` bounds a search, whose limit Google doesn't tell. A larger message than
    `message_bytes` isn't fetched. `patience` is how long a short refusal is waited out inside a
    call, `index_lag` after how long the search surely knows what the history told.
    """

    page: int = 500
    changes: int = 5000
    batch: int = 10
    query_characters: int = 1500
    message_bytes: int = 35 * 2**20
    timeout: timedelta = timedelta(seconds=30)
    patience: timedelta = timedelta(seconds=8)
    index_lag: timedelta = timedelta(minutes=2)
