"""A browser as a test drives it: asks, reads the page's form, goes back to the program."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.fakes.google import CLIENT_ID, CLIENT_SECRET, Google
from tests.fakes.google.person import READING
from tests.fakes_own import http

BACK = "http://127.0.0.1:8000/oauth/callback"
VERIFIER = "v" * 50
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)

ASKED: dict[str, str] = {
    "client_id": CLIENT_ID,
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": READING,
    "state": "s/1",
    "nonce": "n-1",
    "access_type": "offline",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def ask(google: Google, **changes: str | None) -> httpx.Response:
    """Open the authorization page; a change to None leaves a parameter out."""
    query = {name: value for name, value in (ASKED | changes).items() if value is not None}
    return http.get(f"{google.url}/o/oauth2/v2/auth", params=query)


def answer(google: Google, page: httpx.Response, **form: str | list[str]) -> httpx.Response:
    """Answer the page's form."""
    ticket = re.search(r'name="request" value="([^"]+)"', page.text)
    assert ticket is not None
    return http.post(
        f"{google.url}/signin/oauth/consent",
        data={"request": ticket[1], "decision": "allow"} | form,
    )


def returned(response: httpx.Response) -> dict[str, str]:
    """Return what the browser brings back to the program."""
    assert response.status_code == 302, response.text
    url = response.headers["location"]
    assert url.startswith(f"{BACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def exchange(google: Google, code: str | None, **changes: str | None) -> httpx.Response:
    """Exchange a code for tokens."""
    form: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": BACK,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "code_verifier": VERIFIER,
    }
    sent = {name: value for name, value in (form | changes).items() if value is not None}
    return http.post(f"{google.url}/token", data=sent)


def refresh(google: Google, token: str, **changes: str) -> httpx.Response:
    """Exchange a refresh token for an access token."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    return http.post(f"{google.url}/token", data=form | changes)


def connected(google: Google, **changes: str | None) -> Any:
    """Go the whole way, with consent given at once, and return the tokens."""
    google.consent_as()
    return exchange(google, returned(ask(google, **changes))["code"]).json()
