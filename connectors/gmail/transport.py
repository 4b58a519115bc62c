"""The client library's way out: through the guard, to the API's host only, with its token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httplib2

from connectors.egress import Egress


class GuardedConnection(HTTPConnection):
    """A connection that the guard opens: it resolves, checks, and verifies the certificate."""

    def __init__(self, api_url: str, egress: Egress, timeout: timedelta) -> None:
        parts = urlsplit(api_url)
        self.default_port = 443 if parts.scheme == "https" else 80
        super().__init__(parts.hostname or "", parts.port, timeout.total_seconds())
        self._is_secure = parts.scheme == "https"
        self._egress = egress
        self._patience = timeout

    def connect(self) -> None:
        """Connect, in clear only where the address itself says so (loopback)."""
        route = self._egress.route(self.host, self.port)
        self.sock = self._egress.connect(route, self._patience)
        if self._is_secure:
            self.sock = self._egress.secure(self.sock, route.host)
        self.sock.settimeout(self._patience.total_seconds())


class GuardedHttp(httplib2.Http):  # type: ignore[misc]  # it ships no types
    """One thread's connection to the API, as the client library wants it; no redirects."""

    def __init__(
        self, api_url: str, token: str, egress: Egress, timeout: timedelta, answer_bytes: int
    ) -> None:
        """`answer_bytes` bounds an answer, however small it was packed."""
        super().__init__(timeout=timeout.total_seconds(), proxy_info=None)
        # By default no answer may be a hundred times what was sent: dull mails are.
        self.limit_kwargs = {"hard_limit": answer_bytes, "ratio": 0}
        self.follow_redirects = False
        self._origin = urlsplit(api_url)[:2]
        self._token = token
        self._key = ":".join(self._origin)
        self._connect = partial(GuardedConnection, api_url, egress, timeout)

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *_: Any,
        **__: Any,
    ) -> tuple[httplib2.Response, bytes]:
        """Send a request to the host that the token is for.

        Raises:
            ValueError: It is for another.
        """
        if urlsplit(uri)[:2] != self._origin:
            raise ValueError("a request to another host than the API's")
        if self._key not in self.connections:
            # httplib2 looks here before it would make a connection of its own, past the guard;
            # it forgets those that broke.
            self.connections[self._key] = self._connect()
        sent = {**(headers or {}), "authorization": f"Bearer {self._token}"}
        answer: tuple[httplib2.Response, bytes] = super().request(
            uri, method, body=body, headers=sent, redirections=0
        )
        return answer

    def close(self) -> None:
        """Close the connection; the next request opens it again."""
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()
