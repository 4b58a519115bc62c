"""Connecting by a person: a link to the page where they agree, and where they return to."""

from __future__ import annotations

from fastapi import APIRouter

from privacy.contents import Wish
from web.auth import Admin, Crm, Services
from web.idempotency import IdempotentRoute
from web.problems import Problem
from web.shapes.connecting import ConnectIn, ConnectOut, IntegrationIn, IntegrationOut
from worker.boot import Service
from worker.connect_links import make_link
from worker.connecting import IMAP
from worker.given import given_address
from worker.integration import put_return_urls, return_urls
from worker.providers import redirect_uri

router = APIRouter(prefix="/v1", tags=["mailboxes"], route_class=IdempotentRoute)


@router.post("/connect", status_code=201, summary="Let a person connect a mailbox")
def make_connect_link(service: Services, caller: Crm, body: ConnectIn) -> ConnectOut:
    """Send the user's browser to `connect_url`; it returns to `return_url`.

    With `mailbox=…&state=connected`, or with `error=…`. For a user and address that are
    connected already it repairs that mailbox: its mail and its place in the history are kept.
    """
    if body.provider not in (None, IMAP, *service.providers):
        raise Problem("not-available", "This installation is not registered at the provider.")
    wish = Wish(
        user=body.user,
        return_url=body.return_url,
        by=caller.name,
        provider=body.provider,
        address=None if body.address is None else given_address("address", body.address),
        since=body.since,
    )
    made = make_link(service, caller.workspace_id, wish)
    return ConnectOut(connect_url=made.url, expires_at=made.expires_at)


@router.get("/integration", summary="Show where browsers may return to")
def show_integration(service: Services, caller: Admin) -> IntegrationOut:
    """And what this installation is registered with."""
    return integration_out(service, list(return_urls(service, caller.workspace_id)))


@router.put("/integration", summary="Register where browsers may return to")
def put_integration(service: Services, caller: Admin, body: IntegrationIn) -> IntegrationOut:
    """Each is compared letter by letter, and must begin with `https://` or be on loopback."""
    kept = put_return_urls(service, caller.workspace_id, body.return_urls)
    return integration_out(service, list(kept))


def integration_out(service: Service, urls: list[str]) -> IntegrationOut:
    """Return the integration as JSON shows it."""
    return IntegrationOut(
        return_urls=urls,
        providers=[*service.providers, IMAP],
        redirect_uri=redirect_uri(service.settings),
    )
