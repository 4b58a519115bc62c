"""The clients that Google publishes, pointed at the stand-in and otherwise as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httplib2
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from tests.fakes.google import CLIENT_ID, CLIENT_SECRET, Google, Person
from tests.fakes.google.discovery import DOCUMENT
from tests.fakes.google.person import READING


def credentials(google: Google, tokens: dict[str, str]) -> Credentials:
    """Return google-auth's credentials over a grant's tokens."""
    return Credentials(
        tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        token_uri=f"{google.url}/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )


@contextmanager
def gmail(
    google: Google, person: Person, scope: str = READING, token: str | None = None
) -> Iterator[Any]:
    """Yield Google's own client of a person's mailbox: its `users()` resource."""
    tokens = person.grant(scope)
    known = credentials(google, tokens)
    if token is not None:
        known = Credentials(token)
    document = json.loads(DOCUMENT.read_text())
    document["rootUrl"] = document["baseUrl"] = f"{google.url}/"
    service = build_from_document(document, http=AuthorizedHttp(known, httplib2.Http()))
    try:
        yield service.users()
    finally:
        service.close()


def error_of(request: Any) -> tuple[int, str]:
    """Run a request that must fail, and return its status and Google's reason."""
    try:
        request.execute()
    except HttpError as error:
        told = json.loads(error.content)["error"]
        return error.resp.status, told["errors"][0]["reason"]
    raise AssertionError("the request was answered")


def ids(listed: dict[str, Any]) -> list[str]:
    """Return the message ids of a list."""
    return [each["id"] for each in listed.get("messages", [])]


def mail(
    sender: str = "lead@elsewhere.example",
    to: str = "anna@firm.example",
    subject: str = "Offer",
    body: str = "Hello",
    extra: str = "",
) -> bytes:
    """Return a plain mail; `extra` holds more header lines, each with its end."""
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n{extra}\r\n{body}\r\n".encode()
