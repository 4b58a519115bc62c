"""The one way to a provider's web servers: to declared origins only, by nobody's proxy.

Redirects are not followed, answers are read within limits of size and time, and neither
environment nor netrc changes where a request goes or whom it trusts.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from connectors.egress import OnContact
from connectors.errors import (
    CertificateRefused,
    HostNotAllowed,
    Misbehaved,
    Throttled,
    Unreachable,
)

# It logs each request at DEBUG: searches name people, and so do the paths of mailboxes.
logging.getLogger("urllib3").setLevel(logging.ERROR)

MOST_BYTES = 1024 * 1024
PIECE = 64 * 1024
WITHOUT_RETRY_AFTER = timedelta(seconds=60)
LONGEST_RETRY_AFTER = timedelta(hours=6)
PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer; its body may hold tokens."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Return a header by its lower-case name; empty if there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            Misbehaved: It is none.
        """
        try:
            value = json.loads(self.body)
        except ValueError:
            raise Misbehaved("the answer is not JSON") from None
        if not isinstance(value, dict):
            raise Misbehaved("the answer is not a JSON object")
        return value


class TooLong(Misbehaved):
    """An answer has more bytes than it may have; it was not read to its end."""


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, in one spelling."""
    parts = urlsplit(url)
    port = parts.port or PORTS.get(parts.scheme, 0)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port == PORTS.get(parts.scheme) else f":{port}")


class Wire:
    """Asks a provider's declared servers. Safe to use from many threads."""

    def __init__(
        self,
        urls: Collection[str],
        ca_file: str | None = None,
        timeout: timedelta = timedelta(seconds=20),
        on_contact: OnContact | None = None,
    ) -> None:
        self._origins = frozenset(origin_of(url) for url in urls)
        self._timeout = timeout.total_seconds()
        self._on_contact = on_contact
        self._session = requests.Session()
        # Else a variable of the machine would name a proxy, another authority or a password.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.adapters.clear()
        for origin in self._origins:
            self._session.mount(f"{origin}/", Trusting(ca_file))

    def get(self, url: str) -> Reply:
        """Ask for a document.

        Raises:
            HostNotAllowed, Unreachable, CertificateRefused, Throttled, Misbehaved: As named.
        """
        return self.send("GET", url, {}, None)

    def post(self, url: str, form: Mapping[str, str]) -> Reply:
        """Send a form.

        Raises:
            HostNotAllowed, Unreachable, CertificateRefused, Throttled, Misbehaved: As named.
        """
        return self.send("POST", url, {}, dict(form))

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: dict[str, str] | bytes | None
    ) -> Reply:
        """Send a request; a server's own failure is raised, every other answer returned.

        Raises:
            HostNotAllowed: Its origin isn't declared.
            Unreachable: The network, or a 5xx.
            Throttled: A 429.
            Misbehaved: A redirect, or an answer beyond all bounds.
        """
        reply = self.exchange(method, url, headers, body)
        react(reply)
        return reply

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: dict[str, str] | bytes | None,
        *,
        most_bytes: int = MOST_BYTES,
        within: timedelta | None = None,
    ) -> Reply:
        """Send a request; return whatever is answered, within so many bytes and that time.

        Raises:
            HostNotAllowed: Its origin isn't declared.
            Unreachable: The network, or an answer that takes too long.
            TooLong: An answer beyond the bounds.
        """
        self._check(url)
        ends = monotonic() + (self._timeout if within is None else within.total_seconds())
        try:
            with self._session.request(
                method,
                url,
                headers={"Accept": "application/json", **headers},
                data=body,
                timeout=(min(self._timeout, 10.0), self._timeout),
                allow_redirects=False,
                stream=True,
            ) as answer:
                content = read(answer, ends, most_bytes)
                return Reply(answer.status_code, dict(answer.headers), content)
        except requests.exceptions.SSLError:
            raise CertificateRefused("the provider's certificate is refused") from None
        except (requests.RequestException, OSError) as error:
            raise Unreachable(f"no answer ({type(error).__name__})") from None

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _check(self, url: str) -> None:
        try:
            origin = origin_of(url)
        except ValueError:
            origin = ""
        if origin not in self._origins:
            raise HostNotAllowed("not one of the provider's declared hosts")
        if self._on_contact is not None:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
            self._on_contact(host, host, port)


class Trusting(HTTPAdapter):
    """Verifies by the usual authorities, and by those of the settings."""

    def __init__(self, ca_file: str | None) -> None:
        self._ca_file = ca_file
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Make the pool with TLS rules of our own."""
        super().init_poolmanager(*args, ssl_context=tls_context(self._ca_file), **more)

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Leave verification to the context: requests would replace its authorities."""


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return the rules for TLS: the usual authorities and, if given, further ones."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def read(answer: requests.Response, ends: float, most_bytes: int) -> bytes:
    """Return the body, unless it is too long or takes too long.

    Raises:
        TooLong: It is longer than any answer.
        Unreachable: It trickles.
    """
    pieces: list[bytes] = []
    size = 0
    for piece in answer.iter_content(PIECE):
        size += len(piece)
        if size > most_bytes:
            raise TooLong("an answer beyond all bounds")
        if monotonic() > ends:
            raise Unreachable("the answer takes too long")
        pieces.append(piece)
    return b"".join(pieces)


def react(reply: Reply) -> None:
    """Raise what the status asks for, where that doesn't depend on the question."""
    if reply.status == 429:
        raise Throttled(retry_after(reply))
    if reply.status >= 500:
        raise Unreachable(f"the provider answers {reply.status}")
    if 300 <= reply.status < 400:
        raise Misbehaved("a redirect from a server's own address")


def retry_after(reply: Reply, otherwise: timedelta = WITHOUT_RETRY_AFTER) -> timedelta:
    """Return how long the server asks to wait: seconds or a date (RFC 9110 10.2.3)."""
    said = reply.header("retry-after")
    try:
        wait = timedelta(seconds=int(said))
    except (ValueError, OverflowError):
        try:
            wait = parsedate_to_datetime(said) - datetime.now(UTC)
        except (ValueError, TypeError):
            wait = otherwise
    return min(max(wait, timedelta(seconds=1)), LONGEST_RETRY_AFTER)
