"""What msal sends its requests through: our own wire, and nothing of a process's memory.

msal asks for an authority's metadata each time an application is made: a copy of it is kept here,
a day at most, as msal would keep one. It remembers refusals for a minute, which would make one
`invalid_grant` two (F18): so each question is asked by an application of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

from connectors.oauth.wire import Reply, Wire

KEPT_SECONDS = 24 * 3600.0


class Documents:
    """An authority's public documents, asked for when needed. Safe to use from many threads."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lock = Lock()
        self._kept: dict[str, tuple[float, Reply]] = {}

    def get(self, url: str) -> Reply:
        """Return a document; only a good answer is kept.

        Raises:
            connectors.errors.ConnectorError: What the network or a failing server means.
        """
        with self._lock:
            until, reply = self._kept.get(url, (0.0, None))
        if reply is not None and monotonic() < until:
            return reply
        reply = self._wire.get(url)
        if reply.status == 200:
            with self._lock:
                self._kept[url] = (monotonic() + KEPT_SECONDS, reply)
        return reply


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as msal reads it."""

    status_code: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def raise_for_status(self) -> None:
        """Raise nothing: the wire has raised what is to be raised."""


class Transport:
    """Sends one question through a wire; `last` is the answer to it, of status 0 before."""

    def __init__(self, wire: Wire, documents: Documents) -> None:
        self._wire, self._documents = wire, documents
        self.last = Reply(0, {}, b"")

    def get(self, url: str, **more: object) -> Said:
        """Ask for a document.

        Raises:
            connectors.errors.ConnectorError: What the network or a failing server means.
        """
        del more  # The wire has its own rules.
        return said(self._documents.get(url))

    def post(
        self, url: str, data: Mapping[str, str], headers: Mapping[str, str], **more: object
    ) -> Said:
        """Send a form.

        Raises:
            connectors.errors.ConnectorError: What the network or a failing server means.
        """
        del more
        self.last = self._wire.send("POST", url, headers, dict(data))
        return said(self.last)

    def close(self) -> None:
        """Leave the wire open, for the next question."""


def said(reply: Reply) -> Said:
    """Return an answer as msal reads it."""
    return Said(reply.status, reply.body.decode("utf-8", "replace"), reply.headers)
