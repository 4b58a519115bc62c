"""POSTs that may be repeated: an Idempotency-Key stands for one call, which happens once.

The answer is kept sealed for a day. Where it shows a mailbox, only its id is kept and the
mailbox is shown anew, so that nothing of a mailbox outlives it here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from models.queries import answers
from privacy.vault import Place, seal, unseal
from web.auth import LONGEST_KEY, service_of
from web.problems import Problem, invalid
from worker.boot import Service
from worker.workspaces import Caller, find_caller

HEADER = "idempotency-key"
LONGEST = 255
ABANDONED = timedelta(minutes=5)
"""A call that began so long ago and never ended died with its process."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Show = Callable[[Service, Caller, str], Any]


class IdempotentRoute(APIRoute):
    """A route that answers a repeated POST with the answer of the first."""

    show_again: Show | None = None
    """Shows what an answer named by `kept_as`, for answers that mustn't be kept."""

    def get_route_handler(self) -> Handler:
        """Return the handler, with the keys looked up around it."""
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None or request.method != "POST":
                return await handle(request)
            if not 0 < len(key) <= LONGEST or not key.isascii() or not key.isprintable():
                raise invalid("Idempotency-Key", "is 1 to 255 printable ASCII characters")
            service = service_of(request)
            caller = await run_in_threadpool(authenticate, service, request)
            if caller is None:
                return await handle(request)
            body = await request.body()
            asked = f"{request.method} {request.url.path}?{request.url.query}".encode()
            call = Call(service, caller, key, asked + b"\n" + body)
            kept = await run_in_threadpool(call.begin)
            if isinstance(kept, Kept):
                return await run_in_threadpool(self.repeat, call, kept)
            try:
                response = await handle(request)
            except BaseException:
                await run_in_threadpool(call.release, kept)
                raise
            shown = getattr(request.state, "kept_as", None)
            await run_in_threadpool(call.keep, kept, response, shown)
            return response

        return once

    def repeat(self, call: Call, kept: Kept) -> Response:
        """Return the answer of the first call again."""
        body = kept.body
        if kept.shows is not None and self.show_again is not None:
            body = self.show_again(call.service, call.caller, kept.shows)
        return JSONResponse(body, kept.status, {"Idempotent-Replayed": "true"})


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer of an earlier call; `shows` names what it showed instead of its body."""

    status: int
    body: Any
    shows: str | None


@dataclass(frozen=True, slots=True)
class Call:
    """One call with an Idempotency-Key."""

    service: Service
    caller: Caller
    key: str
    content: bytes

    def begin(self) -> Kept | int:
        """Return the kept answer of an earlier call, or the row of this one, begun.

        Raises:
            Problem: The key stands for another call, or the first hasn't ended.
        """
        workspace = self.caller.workspace_id
        index = self.service.vault.workspace(workspace).index
        # Another key of the workspace may have other rights: it gets answers of its own.
        hash_ = index.hash("idempotency", f"{self.caller.key_id} {self.key}")
        request = index.hash("request", self.content.decode("latin-1"))
        with self.service.store.workspace(workspace) as connection:
            row = answers.claim(connection, workspace, hash_, request, ABANDONED)
            if row is not None:
                return row
            earlier = answers.find(connection, hash_)
        if earlier is None:
            raise Problem("in-progress")
        if earlier.request != request:
            raise Problem("idempotency-key-reused")
        if earlier.status is None:
            raise Problem("in-progress")
        keys = self.service.vault.workspace(workspace)
        kept = orjson.loads(unseal(keys.sealing, self.place(earlier.id), earlier.sealed))
        return Kept(earlier.status, kept["body"], kept["shows"])

    def keep(self, row: int, response: Response, shows: str | None) -> None:
        """Keep an answer, so that a repeated call gets it again."""
        if response.status_code >= 400:
            self.release(row)
            return
        body = orjson.loads(response.body) if shows is None and response.body else None
        sealed = seal(
            self.service.vault.workspace(self.caller.workspace_id).sealing,
            self.place(row),
            orjson.dumps({"body": body, "shows": shows}),
        )
        with self.service.store.workspace(self.caller.workspace_id) as connection:
            answers.keep(connection, row, response.status_code, sealed)

    def release(self, row: int) -> None:
        """Forget a call that failed: it may be made again."""
        with self.service.store.workspace(self.caller.workspace_id) as connection:
            answers.release(connection, row)

    def place(self, row: int) -> Place:
        """Return the place that a kept answer is bound to."""
        return Place(self.caller.workspace_id, "idempotent_answer", row, "sealed")


def authenticate(service: Service, request: Request) -> Caller | None:
    """Return whom the call speaks for, or None: the route itself says why it is refused."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key or len(key) > LONGEST_KEY:
        return None
    return find_caller(service, key.strip())
