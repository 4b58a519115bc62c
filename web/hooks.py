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
