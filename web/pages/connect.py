"""The page where a person connects a mailbox, and where providers send the browser back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from connectors.errors import ConnectorError
from connectors.oauth.base import CONSENT_STATE
from web.auth import Services
from web.pages import browser
from web.pages.outcomes import ADMIN, ADMIN_AGREED, ADMIN_REFUSED, GONE, SCOPES, TOLD, Told
from web.pages.rendering import html_page, render
from web.pages.visit import form
from web.pages.withdrawing import withdrawals
from worker.attempts import Ended, LinkUsed, Reply, begin, finish
from worker.boot import Service
from worker.connect_imap import Typed, connect_imap
from worker.connect_links import CONSOLE, Link, find_link, providers_for, workspace_name
from worker.connecting import IMAP
from worker.integration import is_registered
from worker.outcomes import Outcome
from worker.problems import remedy
from worker.providers import redirect_uri
from worker.refused import AnotherAccount, AnotherWay, Busy, Unacceptable

router = APIRouter(include_in_schema=False)
Fields = Annotated[dict[str, str], Depends(form)]
SPANS = (("30", "30 days"), ("90", "3 months"), ("365", "one year"), ("all", "everything"))
USUAL_SPAN = "90"
PROPOSED = "proposed"


@dataclass(frozen=True, slots=True)
class Look:
    """A provider's button, as its branding guidelines ask."""

    label: str
    logo: str


LOOKS = {
    "gmail": Look("Continue with Google", "google.svg"),
    "graph": Look("Sign in with Microsoft", "microsoft.svg"),
    "outlook-imap": Look("Sign in with Microsoft, for IMAP", "microsoft.svg"),
}


@router.get("/connect/{secret}")
def show_connect(request: Request, service: Services, secret: str) -> Response:
    """Show what will be read, and let the person choose how."""
    link = find_link(service, secret)
    if link is None:
        return outcome_page(GONE)
    held = browser.secret_of(request, service)
    return connect_page(service, link, held or browser.fresh(), is_new=not held)


@router.post("/connect/{secret}")
def choose(request: Request, service: Services, secret: str, fields: Fields) -> Response:
    """Go on to the provider, or log in to the mail server that was typed in."""
    link = find_link(service, secret)
    if link is None:
        return outcome_page(GONE)
    held = browser.secret_of(request, service)
    if not browser.owns(held, secret, fields.get("form_token", "")):
        told = "The page was too old. Please choose again."
        return connect_page(service, link, browser.fresh(), is_new=True, told=told, status=403)
    provider = fields.get("provider", "")
    if provider not in providers_for(service, link):
        told = "Please choose one of these."
        return connect_page(service, link, held, told=told, status=422)
    since = since_of(link, fields.get("since", ""))
    if provider == IMAP:
        return log_in(service, link, held, fields, since)
    try:
        url, fresh = begin(service, link, provider, since)
    except ConnectorError as error:
        told = remedy(error.code).message
        return connect_page(service, link, held, told=told, status=503)
    response = RedirectResponse(url, 303)
    # The browser's secret is of this attempt alone: one that somebody else began is over.
    browser.give(response, service, fresh)
    return response


def log_in(
    service: Service, link: Link, held: str, fields: Mapping[str, str], since: datetime | None
) -> Response:
    """Connect the IMAP mailbox that was typed in, or say what is wrong with it."""
    typed = Typed.of(fields)
    try:
        joined = connect_imap(service, link, typed, fields.get("password", ""), since)
    except Unacceptable as error:
        told = f"{error.field.capitalize()} {error.reason}."
    except ConnectorError as error:
        told = f"{remedy(error.code).message} {remedy(error.code).action}"
    except Busy:
        told = "Too many people connect just now. Please try again in a moment."
    except AnotherAccount:
        told = TOLD[Outcome.OTHER_ACCOUNT].what
    except AnotherWay:
        told = f"{TOLD[Outcome.OTHER_WAY].what} {TOLD[Outcome.OTHER_WAY].remedy}"
    except LinkUsed:
        return outcome_page(GONE)
    else:
        return go_back(service, link, {"mailbox": str(joined.id), "state": "connected"})
    return connect_page(service, link, held, told=told, typed=typed, status=422)


@router.get("/oauth/callback")
def answer(request: Request, service: Services) -> Response:
    """Follow a provider's answer to its end; no page is shown here, where the code is.

    A parameter that comes twice could be read in two ways: such an answer belongs to nothing.
    """
    given = parse_qsl(request.url.query, keep_blank_values=True)
    names = [name for name, _ in given]
    values = dict(given) if len(set(names)) == len(names) else {}
    if values.get("state") == CONSENT_STATE:
        # An administrator comes back, who began nothing here; nothing is believed of it.
        agreed = ADMIN_REFUSED if "error" in values else ADMIN_AGREED
        return RedirectResponse(f"/oauth/ended/{agreed}", 303)
    reply = Reply(
        values.get("state"),
        values.get("code"),
        values.get("iss"),
        values.get("error"),
        values.get("error_description", ""),
    )
    ended = finish(service, reply, browser.secret_of(request, service))
    if ended.outcome is Outcome.CONNECTED and ended.link is not None:
        told = {"mailbox": str(ended.mailbox_id), "state": "connected"}
        return go_back(service, ended.link, told)
    return RedirectResponse(outcome_path(ended), 303)


def outcome_path(ended: Ended) -> str:
    """Return where an end is told, without anything of the answer in the address."""
    if ended.link is None:
        return f"/oauth/ended/{ended.outcome}"
    known = [str(position) for position, scope in enumerate(SCOPES) if scope in ended.missing]
    query = {"missing": ".".join(known)} if known else {}
    if ended.outcome is Outcome.ADMIN_CONSENT:
        query["provider"] = ended.provider
    return f"/connect/{ended.link.secret}/{ended.outcome}{'?' if query else ''}{urlencode(query)}"


@router.get("/oauth/ended/{outcome}")
def show_ended(outcome: str) -> Response:
    """Tell how an answer ended that belongs to no link."""
    return outcome_page(told_of(outcome))


@router.get("/connect/{secret}/{outcome}")
def show_outcome(
    service: Services, secret: str, outcome: str, missing: str = "", provider: str = ""
) -> Response:
    """Tell how an answer ended, with the ways to try again and to go back."""
    link = find_link(service, secret)
    if link is None:
        return outcome_page(told_of(outcome))
    positions = {str(position): name for position, name in enumerate(SCOPES.values())}
    lacking = [positions[one] for one in missing.split(".") if one in positions]
    asked = service.providers.get(provider) if outcome == Outcome.ADMIN_CONSENT else None
    return outcome_page(
        told_of(outcome),
        again=f"/connect/{secret}",
        back=way_back(service, link, {"error": outcome if outcome in TOLD else "refused"}),
        missing=lacking,
        admin_url="" if asked is None else asked.consent_url(redirect_uri(service.settings)),
    )


def told_of(outcome: str) -> Told:
    """Return what is said of an outcome; an unknown one belongs to nothing."""
    known = {str(one): told for one, told in TOLD.items()} | ADMIN
    return known.get(outcome, TOLD[Outcome.FORGED])


def outcome_page(
    told: Told,
    again: str = "",
    back: str = "",
    missing: list[str] | None = None,
    admin_url: str = "",
) -> Response:
    """Return the page that tells how it ended; `admin_url` is to be sent to an administrator."""
    html = render(
        "connect_outcome.html",
        told=told,
        again=again,
        back=back,
        missing=missing,
        admin_url=admin_url,
    )
    return html_page(html, told.status)


def connect_page(
    service: Service,
    link: Link,
    secret: str,
    *,
    is_new: bool = False,
    told: str = "",
    typed: Typed | None = None,
    status: int = 200,
) -> Response:
    """Return the page of a link, for one browser."""
    spans = list(SPANS)
    if link.wish.since is not None:
        spans.insert(0, (PROPOSED, f"since {link.wish.since:%Y-%m-%d}"))
    back = way_back(service, link, {"error": "cancelled"})
    html = render(
        "connect.html",
        secret=link.secret,
        wish=link.wish,
        workspace=workspace_name(service, link.workspace_id),
        is_known=link.mailbox_id is not None,
        providers=providers_for(service, link),
        looks=LOOKS,
        withdrawals=withdrawals(providers_for(service, link)),
        spans=spans,
        chosen=PROPOSED if link.wish.since is not None else USUAL_SPAN,
        form_token=browser.form_token(secret, link.secret),
        told=told,
        typed=typed or Typed(),
        back=back,
    )
    origins = {one for provider in service.providers.values() for one in provider.origins}
    if back.startswith(("https:", "http:")):
        parts = urlsplit(back)
        origins.add(f"{parts.scheme}://{parts.netloc}")
    response = html_page(html, status, origins)
    if is_new:
        browser.give(response, service, secret)
    return response


def since_of(link: Link, chosen: str) -> datetime | None:
    """Return from when on mail is read, as the person chose; None is from the beginning."""
    if chosen == "all":
        return None
    if chosen == PROPOSED and link.wish.since is not None:
        return link.wish.since
    days = chosen if chosen in dict(SPANS) else USUAL_SPAN
    return datetime.now(UTC) - timedelta(days=int(days))


def way_back(service: Service, link: Link, told: Mapping[str, str]) -> str:
    """Return where the browser may go back to; empty if that isn't registered any more."""
    url = link.wish.return_url
    if url == CONSOLE:
        return "/"
    if not is_registered(service, link.workspace_id, url):
        return ""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(told)}"


def go_back(service: Service, link: Link, told: Mapping[str, str]) -> Response:
    """Send the browser back to the CRM with what has become of it."""
    back = way_back(service, link, told)
    if back:
        return RedirectResponse(back, 303)
    return html_page(render("connected.html"))
