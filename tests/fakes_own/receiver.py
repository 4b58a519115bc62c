"""An endpoint that takes what a provider sends of its own accord, and keeps it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes
    query: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Receiver:
    """Answers with the given statuses in turn, then with 204; a validation token with itself."""

    statuses: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    greeted: list[str] = field(default_factory=list)
    """The validation tokens that came, as Graph sends them."""
    is_rude: bool = False
    """Whether it answers them with something else."""

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                named = {name.lower(): value for name, value in self.headers.items()}
                query = parse_qs(urlsplit(self.path).query)
                if token := query.get("validationToken"):
                    outer.greeted += token
                    self._answer(200, b"Hello" if outer.is_rude else token[0].encode())
                    return
                outer.received.append(Received(named, body, query))
                self._answer(outer.statuses.pop(0) if outer.statuses else 204)

            def _answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("content-type", "text/plain")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where to send."""
        return f"http://127.0.0.1:{self._server.server_port}/hooks/gmail"
