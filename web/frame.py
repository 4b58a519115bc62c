"""Around every request: a limit on bodies, headers that browsers obey, no error that escapes."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.problems import Problem, answer, understand
from worker.boot import Service

log = structlog.get_logger(__name__)
MAX_BODY = 4 * 1024 * 1024
"""Bytes; a thousand leads with a few addresses each are well below."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""What every answer has unless it says otherwise itself."""


class BodyTooLarge(HTTPException):
    """The body goes beyond the limit; the rest of it isn't read.

    Of this class, because what reads the body takes any other error for malformed JSON.
    """

    def __init__(self) -> None:
        super().__init__(413, headers={"Connection": "close"})


class Frame:
    """The outermost layer of our own."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(receive, send)
        try:
            if declared_length(scope) > MAX_BODY:
                raise BodyTooLarge
            await self.app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001  # the last one who can answer
            if exchange.has_begun:
                # Half an answer is out: only a broken connection tells that it isn't whole.
                raise BrokenOff from None
            await answer(self.service, told(error))(scope, receive, exchange.send)


@dataclass(slots=True)
class Exchange:
    """One request and its answer, counted and headed on their way."""

    receive_next: Receive
    send_on: Send
    read: int = 0
    has_begun: bool = False

    async def receive(self) -> Message:
        """Return the next piece of the request.

        Raises:
            BodyTooLarge: There were too many.
        """
        message = await self.receive_next()
        self.read += len(message.get("body", b""))
        if self.read > MAX_BODY:
            raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        """Send the next piece of the answer."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self.send_on(message)


def told(error: Exception) -> Problem:
    """Return the problem that an error means; one of ours is logged by class and place.

    The server below us would write its text, which may hold mail.
    """
    problem = understand(error)
    if problem.kind == "internal":
        log.error("request_failed", exc_info=error)
    return problem


class BrokenOff(Exception):
    """An answer ended before its end."""


def declared_length(scope: Scope) -> int:
    """Return the body's length as its header says, in bytes; 0 if it says nothing."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0
