"""Carries HTTP to the parts of a stand-in and back, with the breakages that were ordered."""

from __future__ import annotations

import asyncio
import gzip
import urllib.parse
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from tests.fakes.common.counters import CommonCounters
from tests.fakes.common.lines import cut
from tests.fakes.common.wire import Answer, Breakage, Call

_GZIP_FROM_BYTES = 500


class Answering(Protocol):
    """What a provider answers with."""

    def answer(self, call: Call) -> Answer:
        """Return the answer to a call; it takes the world's lock itself."""
        ...

    def sends(self, call: Call) -> bool:
        """Say whether answering sends something out, which must not hold up the others."""
        ...

    def wants_gzip(self, call: Call) -> bool:
        """Say whether the caller gets a compressed answer."""
        ...


class App:
    """The ASGI application; `control` answers what begins with `/control`."""

    def __init__(
        self,
        lock: AbstractContextManager[object],
        counters: CommonCounters,
        answering: Answering,
        control: Callable[[Call], Answer],
        settled: Callable[[Call], None],
    ) -> None:
        """`settled` is told of each call when all that it changes is changed."""
        self._lock = lock
        self._counters = counters
        self._answering = answering
        self._control = control
        self._settled = settled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        try:
            call = await _call_of(Request(scope, receive))
        except ClientDisconnect:
            return
        if call.path.startswith("/control"):
            # It may wait for pushes to be sent, and others must be served meanwhile.
            answer = await asyncio.to_thread(self._control, call)
            self._settled(call)
            await self._write(answer, call, send)
            return
        with self._lock:
            self._counters.enter()
        try:
            if self._answering.sends(call):
                answer = await asyncio.to_thread(self._answering.answer, call)
            else:
                answer = self._answering.answer(call)
            await asyncio.sleep(answer.delay.total_seconds())
            if answer.breakage is Breakage.DROPPED:
                cut(scope["client"])
            # Before it is out: who has the answer may ask again at once.
            if answer.breakage is not Breakage.HANGING:
                self._close(answer, call)
            await self._deliver(answer, call, receive, send)
            if answer.breakage is Breakage.HANGING:
                self._close(answer, call)
        finally:
            with self._lock:
                self._counters.leave()

    def _close(self, answer: Answer, call: Call) -> None:
        with self._lock:
            answer.after()
        self._settled(call)

    async def _deliver(self, answer: Answer, call: Call, receive: Receive, send: Send) -> None:
        match answer.breakage:
            case None:
                await self._write(answer, call, send)
            case Breakage.HANGING | Breakage.DROPPED:
                while (await receive())["type"] != "http.disconnect":
                    pass
            case Breakage.TRUNCATED:
                await self._write(answer, call, send, keeps=len(answer.body) // 2)

    async def _write(
        self, answer: Answer, call: Call, send: Send, keeps: int | None = None
    ) -> None:
        body = answer.body
        headers = dict(answer.headers)
        if len(body) >= _GZIP_FROM_BYTES and self._answering.wants_gzip(call):
            body = gzip.compress(body, 1)
            headers["content-encoding"] = "gzip"
            headers["vary"] = "Accept-Encoding"
        if answer.status != 204:
            headers["content-length"] = str(len(body))
        head = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        if keeps is None:
            await send({"type": "http.response.body", "body": body})
        else:
            await send({"type": "http.response.body", "body": body[:keeps], "more_body": True})


async def _call_of(request: Request) -> Call:
    raw_path: bytes = request.scope["raw_path"]
    query = urllib.parse.parse_qsl(request.url.query, keep_blank_values=True)
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        known = headers.get(name.lower())
        # A header that comes twice is a list (RFC 9110 5.2).
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return Call(
        request.method,
        raw_path.partition(b"?")[0].decode("latin-1"),
        tuple(query),
        headers,
        await request.body(),
    )
