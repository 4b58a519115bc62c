"""Who looks at the pages: a session in a cookie that no script can read."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from web.auth import Services
from web.problems import Problem
from worker.boot import Service
from worker.sign_in import SESSION_LASTS, Session, find_session

COOKIE = "leadmail_session"


class SignedOut(Exception):
    """The page is for people who are signed in: they are sent to the first one."""


def session(request: Request, service: Services) -> Session:
    """Return the browser's session.

    Raises:
        SignedOut: It has none, or none that is good.
    """
    found = find_session(service, request.cookies.get(COOKIE, ""))
    if found is None:
        raise SignedOut
    return found


Visit = Annotated[Session, Depends(session)]


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form; of a repeated one the last.

    Raises:
        Problem: It isn't one.
    """
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=20)
    except ValueError:
        raise Problem("malformed") from None
    return {name: values[-1] for name, values in fields.items()}


def owned_form(visit: Visit, fields: Annotated[dict[str, str], Depends(form)]) -> dict[str, str]:
    """Return the fields of a form that came from a page of this session.

    Raises:
        Problem: Another site made the browser send it.
    """
    if not visit.owns(fields.get("form_token", "")):
        raise Problem("forbidden", "The form is too old. Go back, reload the page, try again.")
    return fields


OwnedForm = Annotated[dict[str, str], Depends(owned_form)]


def remember(response: Response, service: Service, visit: Session) -> None:
    """Give the browser its session."""
    response.set_cookie(
        COOKIE,
        visit.secret,
        max_age=int(SESSION_LASTS.total_seconds()),
        path="/",
        secure=service.settings.public_url.startswith("https:"),
        httponly=True,
        samesite="lax",
    )


def forget(response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")


def to_start() -> Response:
    """Return the way to the first page."""
    return RedirectResponse("/", 303)
