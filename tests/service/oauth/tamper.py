"""Somebody between the service and Google's token endpoint, who changes what passes if told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode

import httpx

Form = dict[str, str]
Said = dict[str, object]


class Tamper:
    """Passes forms on and answers back; keeps every form that passed."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.forms: list[Form] = []
        self.answers: list[Said] = []
        self.reset()
        tamper = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name that http.server calls
                length = int(self.headers.get("content-length", 0))
                tamper.serve(self, dict(parse_qsl(self.rfile.read(length).decode())))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"

    def reset(self) -> None:
        """Change nothing from now on, and count anew."""
        self.on_form: Callable[[Form], Form] = dict
        self.on_answer: Callable[[Said], Said] = dict
        self.delay = 0.0
        self.instead: tuple[int, bytes, dict[str, str]] | None = None
        self.forms.clear()
        self.answers.clear()

    def serve(self, handler: BaseHTTPRequestHandler, form: Form) -> None:
        """Pass a form on, and the answer back."""
        self.forms.append(form)
        time.sleep(self.delay)
        status, body, headers = self.instead or self.ask(form)
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def ask(self, form: Form) -> tuple[int, bytes, dict[str, str]]:
        """Ask the true endpoint."""
        answer = httpx.post(
            self.target,
            content=urlencode(self.on_form(form)),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            trust_env=False,
            timeout=30,
        )
        said = answer.json()
        self.answers.append(said)
        if answer.status_code == 200:
            said = self.on_answer(said)
        return answer.status_code, json.dumps(said).encode(), {}

    @property
    def refreshes(self) -> int:
        """How many refreshes were asked for."""
        return sum(form.get("grant_type") == "refresh_token" for form in self.forms)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
