"""A big mail at Gmail takes little more memory than itself, although it comes as JSON."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import orjson
import pytest

from connectors.base import FolderRole
from connectors.egress import Egress
from connectors.gmail.account import GmailAccount
from connectors.gmail.connector import GmailConnector

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "user@gmail.com"
SIZE = 24 * 2**20
HEAD = b"From: a@b.example\r\nTo: user@gmail.com\r\nSubject: x\r\n\r\n"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A stand-in for Google in a process of its own, with one big mail."""
    box = tmp_path / ADDRESS
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True)
    body = base64.encodebytes(os.urandom(SIZE * 3 // 4))
    (box / "cur" / "1:2,S").write_bytes(HEAD + body)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.google", "--mail", tmp_path],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    ready = next(filter(None, (re.match(r"ready: (\S+)", line) for line in process.stdout)))
    yield ready[1]
    process.terminate()
    process.wait()
    process.stdout.close()


def test_a_big_mail_takes_little_more_than_itself_f25(url: str):
    asked = Request(f"{url}/control/accounts/{ADDRESS}/grant", b"{}")
    with urlopen(asked) as answer:
        token = orjson.loads(answer.read())["access_token"]
    egress = Egress([url.removeprefix("http://")], ports=())
    connector = GmailConnector(GmailAccount(token, url), egress)
    everything = next(one for one in connector.folders() if one.role is FolderRole.ALL)
    refs = [ref for page in connector.changes(everything, None, None) for ref in page.refs]

    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # The highest is the present from here on.
    (raw,) = connector.fetch(refs)
    grown = memory("VmHWM") - before
    connector.close()

    assert len(HEAD) + SIZE < len(raw.raw)
    # The JSON, the text in it, and the mail.
    assert grown < 5 * SIZE


def memory(name: str) -> int:
    """Return a figure of this process, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
