"""The browser that connects a mailbox: known by a cookie that only this service can read."""

from __future__ import annotations

import hmac
import secrets

from fastapi import Request, Response

from worker.attempts import LASTS
from worker.boot import Service
from worker.connect_links import LASTS as LINK_LASTS

NAME = "leadmail_connect"
LONGEST = 200


def cookie_name(service: Service) -> str:
    """Return the cookie's name; with the prefix, no other host can have set it (RFC 6265bis)."""
    return f"__Host-{NAME}" if is_https(service) else NAME


def is_https(service: Service) -> bool:
    """Tell whether browsers reach this service by TLS."""
    return service.settings.public_url.startswith("https:")


def secret_of(request: Request, service: Service) -> str:
    """Return the browser's secret; empty if it has none."""
    found = request.cookies.get(cookie_name(service), "")
    return found if len(found) <= LONGEST and found.isascii() else ""


def give(response: Response, service: Service, secret: str) -> None:
    """Give the browser a secret; the one before is good no more."""
    response.set_cookie(
        cookie_name(service),
        secret,
        max_age=int(max(LASTS, LINK_LASTS).total_seconds()),
        path="/",
        secure=is_https(service),
        httponly=True,
        # Lax: the way back from the provider is a link from another site.
        samesite="lax",
    )


def fresh() -> str:
    """Return a new secret."""
    return secrets.token_urlsafe(32)


def form_token(secret: str, link_secret: str) -> str:
    """Return what the form of a link's page sends back, so that no other page can."""
    return hmac.new(secret.encode(), f"connect {link_secret}".encode(), "sha256").hexdigest()


def owns(secret: str, link_secret: str, token: str) -> bool:
    """Tell whether a form came from the page that this browser was shown."""
    expected = form_token(secret, link_secret)
    return bool(secret) and hmac.compare_digest(expected.encode(), token.encode())
