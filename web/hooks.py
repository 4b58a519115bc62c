"""What providers call by themselves. They are believed only as far as their signature holds."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from connectors.errors import ConnectorError
from connectors.oauth import Unproven
from web.auth import Services
from web.problems import Problem
from worker import pushes
from worker.security_events import hear

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)
LONGEST = 32 * 1024


@router.post("/hooks/google/risc")
async def hear_google(request: Request, service: Services) -> Response:
    """Hear a security event (RFC 8935): 202 once it is dealt with, 400 if it isn't believed.

    Any other answer lets Google send it again.
    """
    events = service.google_events
    if events is None:
        raise Problem("not-found")
    body = await request.body()
    if len(body) > LONGEST:
        raise Problem("too-large")
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
    body = await request.body()
    if len(body) > LONGEST:
        raise Problem("too-large")
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
