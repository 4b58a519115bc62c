"""Connections that can be cut without a word, which an ASGI application can't do by itself."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}
"""By the client's end."""


class Line(H11Protocol):
    """A connection that is known while it lasts."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Know it."""
        super().connection_made(transport)
        # Kept, since a TLS connection that is lost doesn't know whose it was.
        self._client = _client_of(transport)
        _OPEN[self._client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Know it no more."""
        _OPEN.pop(self._client, None)
        super().connection_lost(exc)


def cut(client: tuple[str, int]) -> None:
    """End a client's connection at once."""
    _OPEN[client].abort()


def _client_of(transport: asyncio.Transport) -> tuple[str, int]:
    return cast("tuple[str, int]", tuple(transport.get_extra_info("peername")[:2]))
