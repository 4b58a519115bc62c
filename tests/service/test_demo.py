"""`leadmail up --demo` as a newcomer meets it: synced, shown, new mail arriving, gone again."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.service.demo_way import LEADMAIL, Demo, start, stop
from tests.service.foreground import until_nothing_runs

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that runs for this module's tests, at the end ended and gone."""
    running = start(tmp_path_factory.mktemp("demo") / "data")
    yield running
    if running.process.poll() is None:
        assert 0 == stop(running)
        assert set() == until_nothing_runs(running.home)


def deliver(demo: Demo, subject: str) -> None:
    command: list[str | os.PathLike[str]] = [
        LEADMAIL,
        "demo",
        "deliver",
        "--lead",
        "lead-1002",
        "--subject",
        subject,
    ]
    subprocess.run(
        command,
        check=True,
        capture_output=True,
        env=os.environ | {"LEADMAIL_DATA": str(demo.home)},
    )
    demo.delivered.append(subject)


def subjects(demo: Demo) -> set[str]:
    page = demo.get("/v1/leads/lead-1002/conversations?limit=100")
    return {conversation["subject"] for conversation in page["items"]}


def test_it_is_synced_and_only_mails_of_leads_were_taken_in(demo):
    mailbox = demo.get("/v1/mailboxes")["items"][0]

    assert "demo:    180 mails of ada.berg@nordlicht-solar.example" in demo.said
    assert ("live", 180 + len(demo.delivered), None) == (
        mailbox["state"],
        mailbox["progress"]["stored"],
        mailbox["problem"],
    )


def test_its_link_signs_in_once(demo):
    link = re.search(r"console: http://127\.0\.0\.1:\d+(\S+)", demo.said)
    assert link
    cookies = []
    for _ in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=20)
        connection.request("GET", link[1])
        cookies.append(connection.getresponse().getheader("Set-Cookie"))
        connection.close()

    assert cookies[0]
    assert cookies[1] is None


def test_a_new_mail_appears_by_itself(demo):
    deliver(demo, "A mail that has just come")

    deadline = time.monotonic() + 60
    while "A mail that has just come" not in subjects(demo) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "A mail that has just come" in subjects(demo)


def test_other_commands_find_it_by_its_directory(demo):
    done = subprocess.run(
        [LEADMAIL, "mailbox", "list", "--json"],
        check=True,
        capture_output=True,
        env=os.environ | {"LEADMAIL_DATA": str(demo.home)},
    )

    listed = json.loads(done.stdout)
    assert ["ada.berg@nordlicht-solar.example"] == [mailbox["address"] for mailbox in listed]


def test_no_log_holds_a_mails_words_or_a_secret(demo):
    logs = b"".join(path.read_bytes() for path in demo.home.rglob("*.log"))

    assert logs
    for secret in ("Klaus", "spedition-moeller", "Photovoltaik", demo.key, "sign-in?token"):
        assert secret.encode() not in logs
