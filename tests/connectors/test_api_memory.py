"""A big mail at an API takes little more memory than itself, in whatever form it comes."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.base import Connector
from connectors.egress import Egress
from connectors.gmail.account import GmailAccount
from connectors.gmail.connector import GmailConnector
from connectors.graph.account import GraphAccount
from connectors.graph.connector import GraphConnector
from connectors.oauth.wire import Wire
from tests.contract.looking import inbox_of
from tests.servers.authority import make_authority

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "user@gmail.com"
SIZE = 24 * 2**20
HEAD = b"From: a@b.example\r\nTo: user@gmail.com\r\nSubject: x\r\n\r\n"


def gmail(token: str, url: str, _: Wire) -> Connector:
    egress = Egress([url.removeprefix("http://")], ports=())
    return GmailConnector(GmailAccount(token, url), egress)


def graph(token: str, url: str, wire: Wire) -> Connector:
    return GraphConnector(GraphAccount(token, url), wire)


@pytest.fixture(
    params=[("google", gmail, 5), ("microsoft", graph, 3)], ids=lambda param: str(param[0])
)
def reached(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Callable[..., Connector], str, str, int]]:
    """A stand-in in a process of its own, with one big mail; and how many times it may be held."""
    name, make, times = request.param
    box = tmp_path / "mail" / ADDRESS
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True)
    body = base64.encodebytes(os.urandom(SIZE * 3 // 4))
    (box / "cur" / "1:2,S").write_bytes(HEAD + body)
    made = make_authority(tmp_path)
    named: list[str | Path] = ["--tls-cert", made.certificate, "--tls-key", made.key]
    tls = named if name == "microsoft" else []
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.fakes.{name}", "--mail", tmp_path / "mail", *tls],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    ready = next(filter(None, (re.match(r"ready: (\S+)", line) for line in process.stdout)))
    yield make, ready[1], str(made.ca_file), times
    process.terminate()
    process.wait()
    process.stdout.close()


def test_a_big_mail_takes_little_more_than_itself_f25(reached):
    make, url, ca_file, times = reached
    wire = Wire([url], ca_file)
    asked = wire.send("POST", f"{url}/control/accounts/{ADDRESS}/grant", {}, b"{}")
    connector = make(asked.json()["access_token"], url, wire)
    pages = connector.changes(inbox_of(connector), None, None)
    refs = [ref for page in pages for ref in (*page.refs, *(one.ref for one in page.envelopes))]

    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # The highest is the present from here on.
    (raw,) = connector.fetch(refs)
    grown = memory("VmHWM") - before
    connector.close()
    wire.close()

    assert len(HEAD) + SIZE < len(raw.raw)
    # Of Gmail the JSON, the text in it, and the mail; of Graph the pieces, and the mail.
    assert grown < times * SIZE


def memory(name: str) -> int:
    """Return a figure of this process, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
