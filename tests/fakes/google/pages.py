"""Page tokens: opaque, good for one listing of one account, and forgotten on demand."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from tests.fakes.google.errors import bad_request

Listing = tuple[str, ...]
"""The account, the method and all that chooses what is listed."""


@dataclass(slots=True)
class Pages:
    """Every token that was given, with the place where its page begins."""

    _given: dict[str, tuple[Listing, tuple[int, ...]]] = field(default_factory=dict)

    def give(self, listing: Listing, after: tuple[int, ...]) -> str:
        """Return a token for the page after that place."""
        token = f"{secrets.randbits(64):020d}"
        self._given[token] = (listing, after)
        return token

    def place(self, token: str, listing: Listing) -> tuple[int, ...]:
        """Return the place where a token's page begins; it can be asked for again.

        Raises:
            Refusal: The token is unknown, too old or of another listing.
        """
        known, after = self._given.get(token, ((), ()))
        if known != listing:
            raise bad_request("Invalid pageToken", "invalidPageToken")
        return after

    def expire(self) -> None:
        """Let every token that was given be too old."""
        self._given.clear()
