"""The demo's Google and Microsoft: connected by clicks, and live again after a restart."""

from __future__ import annotations

import html
import re
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.servers.authority import make_authority
from tests.service.demo_way import Demo, start, stop
from tests.service.foreground import of_this, until_nothing_runs
from worker.demo.mails import demo_mails
from worker.demo.people import COLLEAGUES
from worker.demo.roles import ROLES, played
from worker.demo.stand_ins import StandIn, stand_ins
from worker.embedded.child import NotStarted

pytestmark = pytest.mark.timeout(400)
URL = "http://127.0.0.1:8000"
GOOGLE, MICROSOFT = ROLES
WITHIN_SECONDS = 60
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def unnamed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no provider and no authority."""
    for name in ("GOOGLE_CLIENT_ID", "MICROSOFT_CLIENT_ID", "LEADMAIL_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def form_of(page: httpx.Response) -> tuple[str, dict[str, list[str]]]:
    """Return where the first form of a page goes, and what is filled in already."""
    form = page.text.partition("<form ")[2].partition("</form>")[0]
    action = re.search(r'action="([^"]+)"', form)
    assert action, page.text
    given: dict[str, list[str]] = {}
    inputs = r'<input type="(\w+)" name="(\w+)" value="([^"]*)"([^>]*)>'
    for kind, name, value, more in re.findall(inputs, form):
        if kind == "hidden" or "checked" in more:
            given.setdefault(name, []).append(html.unescape(value))
    return urljoin(str(page.url), html.unescape(action[1])), given


def connect(demo: Demo, link: str, provider: str) -> None:
    """Click from a link to the end."""
    trusted = ssl.create_default_context(cafile=demo.home / "microsoft" / "trusted.pem")
    with httpx.Client(verify=trusted, trust_env=False, follow_redirects=True) as browser:
        page = browser.get(link)
        assert {"gmail", "graph"} <= set(re.findall(r'name="provider" value="(\w+)"', page.text))
        action, given = form_of(page)
        page = browser.post(action, data={**given, "provider": provider, "since": "all"})
        action, given = form_of(page)
        assert "stand-in" in page.text
        page = browser.post(action, data={**given, "decision": "allow"})
    assert "state=connected" in str(page.url) or any(
        "state=connected" in str(each.url) for each in page.history
    )


def until_synced(demo: Demo, mails: dict[str, int], since: datetime) -> None:
    """Wait until every mailbox was synced since then, and holds its mails."""
    ends = time.monotonic() + WITHIN_SECONDS
    while True:
        found = demo.get("/v1/mailboxes")["items"]
        stored = {each["provider"]: each["progress"]["stored"] for each in found}
        synced = [each["last_synced_at"] for each in found]
        if stored == mails and all(at and datetime.fromisoformat(at) > since for at in synced):
            break
        assert time.monotonic() < ends, found
        time.sleep(0.2)
    assert {("live", None)} == {(each["state"], each["problem"]) for each in found}


def test_a_second_run_finds_all_mailboxes_as_they_were_and_live(tmp_path, unnamed):
    began = datetime.now(UTC)
    first = start(tmp_path / "data")
    links = re.findall(r"(http://\S+/connect/\S+)", first.said)
    for link, provider in zip(links, ("gmail", "graph"), strict=True):
        connect(first, link, provider)
    mails = {"imap": 180, "gmail": 30, "graph": 30}
    until_synced(first, mails, began)
    codes = [stop(first)]
    left = until_nothing_runs(first.home)

    began = datetime.now(UTC)
    second = start(tmp_path / "data")
    for each in second.get("/v1/mailboxes")["items"]:
        second.call("POST", f"/v1/mailboxes/{each['id']}/sync", 202)
    until_synced(second, mails, began)
    assert of_this(second.home)
    codes.append(stop(second))

    assert ([0, 0], set()) == (codes, left)
    assert (first.key, False) == (second.key, "/connect/" in second.said)


def test_each_stand_in_has_mails_of_leads_for_every_colleague(tmp_path, unnamed):
    raws = [mail.raw for mail in demo_mails(NOW)]

    for stand_in in stand_ins(tmp_path, URL):
        for colleague in COLLEAGUES:
            copied = [raw for raw in raws if colleague.address.encode() in raw]
            box = stand_in.directory / "mail" / colleague.address / "cur"

            assert 30 == len(copied) < len(list(box.iterdir()))


@pytest.mark.parametrize(
    ("named", "players"),
    [
        ({}, ["google", "microsoft"]),
        ({"GOOGLE_CLIENT_ID": "1"}, ["microsoft"]),
        ({"MICROSOFT_CLIENT_ID": "1"}, ["google"]),
    ],
    ids=["nobody is real", "Google is real", "Microsoft is real"],
)
def test_nobody_plays_a_provider_that_is_named(named, players, tmp_path, unnamed):
    for name, value in named.items():
        unnamed.setenv(name, value)

    assert players == [each.name for each in stand_ins(tmp_path, URL)]


def test_a_real_provider_is_not_taken_for_a_stand_in_of_an_earlier_run(tmp_path, unnamed):
    stand_in = StandIn.of(GOOGLE, tmp_path, URL)
    own = {"GMAIL_API_URL": f"http://127.0.0.1:{stand_in.port}"}
    real = {"GMAIL_API_URL": "https://gmail.googleapis.com"}

    assert [[GOOGLE], [], []] == [list(played(tmp_path, each)) for each in (own, real, {})]


def test_the_stand_ins_authority_is_trusted_beside_the_given_one(tmp_path, unnamed):
    given = make_authority(tmp_path / "given").ca_file
    unnamed.setenv("LEADMAIL_CA_FILE", str(given))

    settings = StandIn.of(MICROSOFT, tmp_path, URL).settings()
    again = StandIn.of(MICROSOFT, tmp_path, URL).settings()
    trusted = Path(settings["LEADMAIL_CA_FILE"]).read_text()

    assert settings == again
    assert 2 == trusted.count("BEGIN CERTIFICATE")
    assert given.read_text() in trusted


def test_an_authority_that_can_not_be_read_is_named(tmp_path, unnamed):
    unnamed.setenv("LEADMAIL_CA_FILE", str(tmp_path / "nowhere.pem"))

    with pytest.raises(NotStarted, match=r"LEADMAIL_CA_FILE.*nowhere\.pem"):
        StandIn.of(MICROSOFT, tmp_path, URL).settings()
