"""Push notifications from Gmail: they only ring, so the worst a forged one costs is a look.

They are verified all the same, in all five points that Google names (Pub/Sub, "Authenticate
push subscriptions"): signature, issuer, audience, service account, and that it is verified.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field

import orjson
import structlog

from connectors.oauth import Unproven
from connectors.oauth.jwt import Keys, verify
from mail.address import Address, canonical
from models.queries import mailboxes
from worker.boot import Service

log = structlog.get_logger(__name__)
PATH = "/hooks/gmail"
ISSUERS = ("https://accounts.google.com", "accounts.google.com")


@dataclass(frozen=True, slots=True)
class Pusher:
    """Whose pushes are believed: signed by Google's keys, for this audience, by this account."""

    keys: Keys
    audience: str
    account: str = field(repr=False)

    def check(self, token: str) -> None:
        """Believe a push, or say why not; nothing of the token is in what is raised.

        Raises:
            Unproven: One of the five points doesn't hold.
            connectors.errors.ConnectorError: Google's keys are not to be had now.
        """
        said = verify(token, self.keys, ISSUERS, self.audience, ("exp", "email"))
        if said.text("email") != self.account:
            raise Unproven("another service account")
        if said.claims.get("email_verified") is not True:
            raise Unproven("a service account that isn't verified")


def pusher_of(service: Service) -> Pusher | None:
    """Return whose pushes this installation believes; None if it expects none."""
    settings, google = service.settings, service.google
    if google is None or not settings.gmail_push_service_account:
        return None
    audience = settings.gmail_push_audience or f"{settings.public_url.rstrip('/')}{PATH}"
    return Pusher(google.keys, audience, settings.gmail_push_service_account)


def hear(service: Service, pusher: Pusher, token: str, body: bytes) -> int:
    """Ring for the mailboxes that a push names; return how many there are.

    What it says beyond the address isn't looked at: the history tells what changed.

    Raises:
        Unproven: It isn't believed.
        connectors.errors.ConnectorError: It can't be checked now; it will come again.
    """
    pusher.check(token)
    address = address_in(body)
    if address is None:
        log.warning("push_not_understood")
        return 0
    hashes = service.masters.hashes("push", address)
    with service.store.system() as connection:
        due = mailboxes.ring_pushed(connection, hashes)
    service.doorbell.sync(due)
    return len(due)


def address_in(body: bytes) -> Address | None:
    """Return the address that a push is about, or None if it can't be read."""
    try:
        told = orjson.loads(b64decode(orjson.loads(body)["message"]["data"]))["emailAddress"]
    except (ValueError, LookupError, TypeError):
        return None
    return canonical(told) if isinstance(told, str) else None
