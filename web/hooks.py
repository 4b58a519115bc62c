"""What providers call by themselves: believed as far as their signature, or secret, holds."""

from __future__ import annotations

from html import escape
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool

from connectors.errors import ConnectorError
from connectors.oauth import Unproven
from web.auth import Services
from web.problems import Problem
from worker import notices, pushes
from worker.security_events import hear

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)
LONGEST = 32 * 1024
NOTICES_LONGEST = 1024 * 1024
"""Graph gathers many notices in one request."""
TOKEN_LONGEST = 1024
NOT_SNIFFED = {"X-Content-Type-Options": "nosniff"}


@router.post("/hooks/google/risc")
async def hear_google(request: Request, service: Services) -> Response:
    """Hear a security event (RFC 8935): 202 once it is dealt with, 400 if it isn't believed.

    Any other answer lets Google send it again.
    """
    events = service.google_events
    if events is None:
        raise Problem("not-found")
    body = await body_of(request, LONGEST)
    token = body.decode("ascii", "replace").strip()
    try:
        await run_in_threadpool(hear, service, events, token)
    except Unproven as error:
        log.warning("security_event_refused", reason=str(error))
        told = {"err": "invalid_request", "description": "The token is not believed."}
        return JSONResponse(told, 400)
    except ConnectorError as error:
        log.warning("security_event_unheard", error=type(error).__name__)
        raise Problem("unavailable") from None
    return Response(status_code=202)


@router.post(pushes.PATH)
async def hear_push(request: Request, service: Services) -> Response:
    """Ring for a push notification of Gmail; whatever isn't a 2xx brings it again."""
    pusher = pushes.pusher_of(service)
    if pusher is None:
        raise Problem("not-found")
    body = await body_of(request, LONGEST)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem("unauthorized")
    try:
        await run_in_threadpool(pushes.hear, service, pusher, token.strip(), body)
    except Unproven as error:
        log.warning("push_refused", reason=str(error))
        raise Problem("unauthorized") from None
    except ConnectorError as error:
        log.warning("push_unheard", error=type(error).__name__)
        raise Problem("unavailable") from None
    return Response(status_code=204)


@router.post(notices.PATH)
async def hear_graph(
    request: Request,
    service: Services,
    token: Annotated[str | None, Query(alias="validationToken", max_length=TOKEN_LONGEST)] = None,
) -> Response:
    """Prove that this address is ours, or ring for notices of Graph: 202 whoever sent them.

    Whatever isn't a 2xx brings them again, for four hours.
    """
    if "graph" not in service.providers:
        raise Problem("not-found")
    if token is not None:
        # Nobody's browser takes it for a page (Graph, "Receive change notifications").
        return PlainTextResponse(escape(token), headers=NOT_SNIFFED)
    body = await body_of(request, NOTICES_LONGEST)
    await run_in_threadpool(notices.hear, service, body)
    return Response(status_code=202)


async def body_of(request: Request, longest: int) -> bytes:
    """Return a body, of which no more is read than is allowed.

    Raises:
        Problem: It is longer.
    """
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > longest:
            raise Problem("too-large")
        pieces.append(piece)
    return b"".join(pieces)
