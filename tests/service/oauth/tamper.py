"""Somebody between the service and a token endpoint, who changes what passes if told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qsl, urlencode

import httpx

from tests.fakes.common.wire import Answer, Call
from tests.fakes.microsoft.entra import token
from tests.fakes.microsoft.routes import ENTRA, Handler
from tests.fakes.microsoft.world import World

Form = dict[str, str]
Said = dict[str, object]
Whole = tuple[int, bytes, dict[str, str]]
"""Status, body and headers of an answer."""


class Tamper:
    """Passes forms on and answers back; keeps every form that passed."""

    def __init__(self) -> None:
        self.forms: list[Form] = []
        self.answers: list[Said] = []
        self.reset()

    def reset(self) -> None:
        """Change nothing from now on, and count anew."""
        self.on_form: Callable[[Form], Form] = dict
        self.on_answer: Callable[[Said], Said] = dict
        self.delay = 0.0
        self.instead: Whole | None = None
        self.refusals: list[Whole] = []
        """Answers to the next forms, in order, before any is passed on."""
        self.forms.clear()
        self.answers.clear()

    def pass_on(self, form: Form, ask: Callable[[Form], tuple[int, bytes]]) -> Whole:
        """Pass a form on, and the answer back."""
        self.forms.append(form)
        if self.refusals:
            return self.refusals.pop(0)
        if self.instead is not None:
            return self.instead
        status, body = ask(self.on_form(form))
        said = json.loads(body)
        self.answers.append(said)
        if status == 200:
            said = self.on_answer(said)
        return status, json.dumps(said).encode(), {}

    @property
    def refreshes(self) -> int:
        """How many refreshes were asked for."""
        return sum(form.get("grant_type") == "refresh_token" for form in self.forms)

    def close(self) -> None:
        """Stop standing there."""


class GoogleTamper(Tamper):
    """Is taken for Google's token endpoint."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__()
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

    def serve(self, handler: BaseHTTPRequestHandler, form: Form) -> None:
        """Pass a form on, and the answer back."""
        delay = self.delay
        time.sleep(delay)
        status, body, headers = self.pass_on(form, self.ask)
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def ask(self, form: Form) -> tuple[int, bytes]:
        """Ask the true endpoint."""
        answer = httpx.post(
            self.target,
            content=urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            trust_env=False,
            timeout=30,
        )
        return answer.status_code, answer.content

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class MicrosoftTamper(Tamper):
    """Sits in the stand-in, before its token endpoint: an authority is one host over TLS."""

    ROUTE = ("POST", "oauth2/v2.0/token")

    def __init__(self) -> None:
        super().__init__()
        self._routes = cast("dict[tuple[str, str], tuple[str, Handler]]", ENTRA)
        self._before = self._routes[self.ROUTE]
        self._routes[self.ROUTE] = (self._before[0], self.answer)

    def answer(self, world: World, call: Call, tenant: str) -> Answer:
        """Answer as the token endpoint does, but for what is to be changed."""

        def ask(form: Form) -> tuple[int, bytes]:
            said = token.answer(world, replace(call, body=urlencode(form).encode()), tenant)
            return said.status, said.body

        delay = timedelta(seconds=self.delay)
        status, body, headers = self.pass_on(call.form(), ask)
        return Answer(status, body, {"content-type": "application/json"} | headers, delay)

    def close(self) -> None:
        """Leave."""
        self._routes[self.ROUTE] = self._before
