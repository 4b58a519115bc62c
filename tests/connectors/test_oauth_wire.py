"""The one way to a provider: declared origins, verified, nothing followed, read within limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import (
    CertificateRefused,
    ConnectorError,
    HostNotAllowed,
    Misbehaved,
    Throttled,
    Unreachable,
)
from connectors.oauth.google import challenge
from connectors.oauth.wire import Wire, origin_of
from tests.fakes.google import Google
from tests.servers.authority import make_authority


class Scripted:
    """A server that answers as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, b"{}", dict[str, str]()
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                script.asked.append(("POST", self.path, dict(self.headers.items())))
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(script.status)
                for name, value in script.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(script.body)
                except OSError:
                    return

            do_GET = do_POST  # noqa: N815  # the name that http.server calls

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Scripted]:
    one = Scripted()
    yield one
    one.close()


@pytest.fixture
def wire(server: Scripted) -> Iterator[Wire]:
    one = Wire([server.url], timeout=timedelta(seconds=2))
    yield one
    one.close()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://a.example/x", "https://a.example"),
        ("https://A.example:443/x", "https://a.example"),
        ("http://a.example:8080", "http://a.example:8080"),
        ("https://[::1]:9/x", "https://[::1]:9"),
        ("https://a.example@evil.example/x", "https://evil.example"),
    ],
)
def test_an_origin_has_one_spelling(url: str, origin: str):
    assert origin == origin_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/token",
        "http://169.254.169.254/latest",
        "https://oauth2.googleapis.com/token",
        "{origin}@evil.example/token",
        "{origin}.evil.example/token",
        "file:///etc/passwd",
    ],
)
def test_only_declared_origins_are_asked(server: Scripted, wire: Wire, url: str):
    with pytest.raises(HostNotAllowed):
        wire.post(url.format(origin=origin_of(server.url)), {"a": "b"})

    assert [] == server.asked
    # The control.
    assert 200 == wire.post(server.url, {"a": "b"}).status


ANSWERS: list[tuple[int, dict[str, str], bytes, type[ConnectorError]]] = [
    (302, {"Location": "http://127.0.0.1:1/"}, b"", Misbehaved),
    (307, {"Location": "/elsewhere"}, b"", Misbehaved),
    (500, {}, b"", Unreachable),
    (503, {"Retry-After": "9"}, b"", Unreachable),
    (429, {"Retry-After": "9"}, b"", Throttled),
    (200, {}, b"x" * 2_000_000, Misbehaved),
]


@pytest.mark.parametrize(("status", "headers", "body", "expected"), ANSWERS)
def test_answers_become_reactions(
    server: Scripted,
    wire: Wire,
    status: int,
    headers: dict[str, str],
    body: bytes,
    expected: type[ConnectorError],
):
    server.status, server.headers, server.body = status, headers, body

    with pytest.raises(expected):
        wire.post(server.url, {"secret": "s-1"})

    assert 1 == len(server.asked), "nothing is followed and nothing asked again"


@pytest.mark.parametrize(
    ("said", "seconds"), [("9", 9), ("0", 1), ("", 60), ("soon", 60), ("9999999", 21600)]
)
def test_how_long_to_wait_is_the_servers_word_within_reason(
    server: Scripted, wire: Wire, said: str, seconds: int
):
    server.status, server.headers = 429, {"Retry-After": said} if said else {}

    with pytest.raises(Throttled) as caught:
        wire.post(server.url, {})

    assert timedelta(seconds=seconds) == caught.value.retry_after


def test_the_environment_changes_nothing(
    server: Scripted, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login u password geheim\n")
    for name, value in {
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
        "NETRC": str(netrc),
        "REQUESTS_CA_BUNDLE": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    server.headers = {"Set-Cookie": "track=1; Path=/"}

    statuses = [wire.post(server.url, {}).status for _ in range(2)]

    assert [200, 200] == statuses
    sent = {name.lower() for _, _, headers in server.asked for name in headers}
    assert not {"authorization", "cookie"} & sent


def test_a_server_that_is_silent_is_given_up(server: Scripted):
    with Google() as google:
        google.fail_next("hanging", method="oauth.token")
        url = google.environment()["GOOGLE_TOKEN_URL"]
        wire = Wire([url], timeout=timedelta(seconds=0.5))
        with pytest.raises(Unreachable):
            wire.post(url, {"grant_type": "x"})
        wire.close()


def test_tls_is_verified_by_the_authorities_of_the_settings(tmp_path: Path):
    ours, theirs = make_authority(tmp_path / "a"), make_authority(tmp_path / "b")
    with Google(certificate=ours.certificate, key=ours.key) as google:
        url = f"{google.url}/oauth2/v3/certs"
        trusting, doubting = Wire([url], str(ours.ca_file)), Wire([url], str(theirs.ca_file))

        assert 200 == trusting.get(url).status
        with pytest.raises(CertificateRefused):
            doubting.get(url)
        trusting.close()
        doubting.close()


def test_every_contact_is_told_before_it_is_made(server: Scripted):
    told: list[Any] = []
    wire = Wire([server.url], on_contact=lambda *whom: told.append(whom))

    wire.get(server.url)
    wire.close()

    port = int(server.url.split(":")[2].split("/")[0])
    assert [("127.0.0.1", "127.0.0.1", port)] == told


def test_a_challenge_is_the_standards_own():
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" == challenge(verifier)
