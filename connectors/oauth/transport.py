"""What google-auth sends its requests through: our own wire, which raises what it should react to.

So it neither retries by itself, nor chooses a proxy, nor waits; and its exceptions, whose text
repeats what the server said, are never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.auth import transport

from connectors.oauth.wire import Reply, Wire


@dataclass(frozen=True, slots=True)
class Said(transport.Response):
    """An answer as google-auth reads it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Transport(transport.Request):
    """Sends through a wire and keeps the last answer."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.last = Reply(0, {}, b"")

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> Said:
        """Send a request.

        Raises:
            connectors.errors.ConnectorError: What the network or a failing server means.
        """
        del timeout, more  # The wire has its own.
        self.last = self._wire.send(method, url, headers or {}, body)
        return Said(self.last.status, self.last.headers, self.last.body)
