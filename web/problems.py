"""Problems as RFC 9457 says them: a stable type, what happened, and never what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException

from connectors.errors import ConnectorError, Throttled
from models.store import Refused, is_database_lost
from privacy.vault import Shredded
from web.pages.rendering import html_page, render
from worker.boot import NotConfigured, Service
from worker.problems import remedy
from worker.refused import AnotherAccount, AnotherWay, Busy, NotThere, Unacceptable

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status and title; its name ends the type's URI."""

    status: int
    title: str
    meaning: str


KINDS: dict[str, Kind] = {
    "malformed": Kind(400, "The request can't be read", "The body isn't JSON, or not UTF-8."),
    "unauthorized": Kind(401, "No valid API key", "Send `Authorization: Bearer <api key>`."),
    "forbidden": Kind(403, "The key may not do this", "The call needs a key of scope admin."),
    "not-found": Kind(404, "Not found", "Nothing of this id is in the key's workspace."),
    "method-not-allowed": Kind(405, "Method not allowed", "The path has other methods."),
    "conflict": Kind(409, "Not now", "The mailbox is paused or being disconnected."),
    "connected-otherwise": Kind(
        409,
        "The address is connected by another provider",
        "Disconnect that mailbox first; its mail goes with it.",
    ),
    "another-account": Kind(
        409, "Another account than the mailbox's", "The mailbox stays as it is."
    ),
    "grant-ended": Kind(422, "The provider refuses access", ""),
    "client-refused": Kind(422, "The provider refuses this installation", ""),
    "in-progress": Kind(409, "Still going on", "A call with this Idempotency-Key hasn't ended."),
    "too-large": Kind(413, "The body is too large", "Send fewer items in one call."),
    "unsupported-media-type": Kind(415, "Not JSON", "Bodies are of type application/json."),
    "invalid": Kind(422, "A field is wrong", "`errors` names each field and what is wrong."),
    "idempotency-key-reused": Kind(
        422, "The key belongs to another call", "An Idempotency-Key stands for one request."
    ),
    "not-available": Kind(422, "Not available", "This installation can't do this yet."),
    "authentication-failed": Kind(422, "The mail server refuses the login", ""),
    "host-not-allowed": Kind(422, "The host may not be reached", ""),
    "unreachable": Kind(422, "The mail server can't be reached", ""),
    "certificate-refused": Kind(422, "The mail server's certificate is refused", ""),
    "misbehaved": Kind(422, "The server doesn't speak IMAP as it should", ""),
    "throttled": Kind(503, "The mail server asks to wait", "Try again after `Retry-After`."),
    "busy": Kind(503, "Busy", "Too much of this kind is going on. Try again in a moment."),
    "unavailable": Kind(503, "A server behind this one is away", "Try again in a moment."),
    "internal": Kind(500, "An error of ours", "It was logged, without what you sent."),
}

OF_A_STATUS = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}


class Problem(Exception):
    """Ends a call with a problem; the detail is for people and holds nothing personal."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers


def answer(service: Service, problem: Problem) -> JSONResponse:
    """Return a problem as the answer to a call."""
    kind = KINDS[problem.kind]
    body: dict[str, Any] = {
        "type": f"{service.settings.public_url.rstrip('/')}/problems/{problem.kind}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail or kind.meaning,
    }
    if problem.errors:
        body["errors"] = list(problem.errors)
    headers = dict(problem.headers or {})
    if kind.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", "2")
    return JSONResponse(body, kind.status, headers, MEDIA_TYPE)


PLAIN: tuple[tuple[type[Exception], str], ...] = (
    (NotThere, "not-found"),
    (Shredded, "not-found"),
    (Busy, "busy"),
    (AnotherWay, "connected-otherwise"),
    (AnotherAccount, "another-account"),
    (Refused, "conflict"),
    (PoolExhausted, "unavailable"),
    (NotConfigured, "unavailable"),
)
"""What exceptions mean that say no more than their class."""


def understand(error: Exception) -> Problem:
    """Return the problem that an exception means to the caller."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unacceptable):
        return invalid(error.field, error.reason)
    if isinstance(error, ConnectorError):
        return of_the_server(error)
    if isinstance(error, HTTPException):
        return Problem(OF_A_STATUS.get(error.status_code, "malformed"), headers=error.headers)
    if isinstance(error, RequestValidationError):
        return explain(error)
    if is_database_lost(error):
        return Problem("unavailable")
    return Problem(next((kind for class_, kind in PLAIN if isinstance(error, class_)), "internal"))


def of_the_server(error: ConnectorError) -> Problem:
    """Return what a mail server's answer means."""
    told = remedy(error.code)
    kind = error.code if error.code in KINDS else "misbehaved"
    headers = {}
    if isinstance(error, Throttled):
        headers["Retry-After"] = str(int(error.retry_after.total_seconds()) + 1)
    return Problem(kind, f"{told.message} {told.action}", headers=headers)


def invalid(field: str, reason: str) -> Problem:
    """Return the problem of one wrong field."""
    return Problem(
        "invalid", f"{field} {reason}.", errors=[{"field": field, "message": f"{reason}."}]
    )


def explain(error: RequestValidationError) -> Problem:
    """Return what pydantic found wrong, by field, without the values."""
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return Problem("malformed", "The body is not JSON.")
    errors = [
        {"field": field_of(one["loc"]), "message": told(one["type"], one["msg"])} for one in found
    ]
    named = ", ".join(dict.fromkeys(one["field"] for one in errors))
    return Problem("invalid", f"Wrong: {named}."[:500], errors=errors[:50])


def field_of(location: Sequence[object]) -> str:
    """Return a field as the caller knows it: where it is, without "body" before it."""
    parts = [str(part)[:100] for part in location]
    return ".".join(parts[1:] if len(parts) > 1 else parts)


def told(kind: str, message: str) -> str:
    """Return pydantic's words, unless they would quote what was sent."""
    return "The value is not allowed." if kind in {"value_error", "assertion_error"} else message


def install(app: FastAPI, service: Service) -> None:
    """Answer every error of the routes as a problem."""

    def handle(request: Request, error: Exception) -> Response:
        problem = understand(error)
        if problem.kind == "internal":
            log.error("request_failed", route=route_of(request), exc_info=error)
        elif problem.kind == "unavailable":
            log.warning("server_behind_away", route=route_of(request), error=type(error).__name__)
        if wants_page(request):
            return page(problem)
        return answer(service, problem)

    for kind in (
        Problem,
        NotThere,
        Unacceptable,
        Busy,
        AnotherWay,
        AnotherAccount,
        Refused,
        Shredded,
        ConnectorError,
        DBAPIError,
        PoolExhausted,
        NotConfigured,
        HTTPException,
        RequestValidationError,
    ):
        app.add_exception_handler(kind, handle)


def wants_page(request: Request) -> bool:
    """Tell whether a person's browser asks, and for none of the API's calls."""
    accepts = request.headers.get("accept", "")
    return "text/html" in accepts and not request.url.path.startswith("/v1/")


def page(problem: Problem) -> Response:
    """Return a problem as a page."""
    kind = KINDS[problem.kind]
    return html_page(render("problem.html", kind=kind), kind.status)


def route_of(request: Request) -> str:
    """Return the path of the route, which holds no ids, for the log."""
    return getattr(request.scope.get("route"), "path", "")
