"""The stand-in for Microsoft from another process: started by itself, loaded, told by HTTP."""

from __future__ import annotations

import base64
import mailbox
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.microsoft import CLIENT_ID, Microsoft
from tests.fakes_own.clients import mail
from tests.servers.authority import make_authority

ROOT = Path(__file__).resolve().parents[2]
HERE = "accounts/eva@firm.example"


def tell(browser, path: str, **arguments: object):
    answer = browser.client.post(f"{browser.microsoft.url}/control/{path}", json=arguments)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_everything_can_be_told_by_http(microsoft, eva, graph):
    encoded = base64.b64encode(mail()).decode()

    folder = tell(graph, f"{HERE}/create_folder", name="Leads")
    message_id = tell(graph, f"{HERE}/deliver", raw=encoded, folder="inbox")
    tell(graph, f"{HERE}/move", message_id=message_id, folder="Leads")
    tell(graph, f"{HERE}/replay", folder="Leads")
    tell(graph, "set_limits", concurrent=2, window=60)
    tell(graph, "configure", values={"page": 50, "code_lasts": 60})
    graph.get(f"/me/messages/{message_id}?$select=subject")

    counted = tell(graph, "counters")["users"]["eva@firm.example"]
    assert {message_id: "Leads"} == tell(graph, f"{HERE}/messages")
    assert {"subject": [message_id]} == counted["shown"]
    assert (2, 50) == (microsoft.settings.concurrent, microsoft.settings.page)
    assert folder == eva.folder_id("Leads")


def test_accounts_are_made_and_named_by_http(microsoft, browser):
    made = tell(browser, "add_account", address="max@firm.example", tenant="other.example")

    assert {"address", "oid", "tid", "sub"} == set(made)
    assert ["max@firm.example"] == tell(browser, "accounts")


@pytest.mark.parametrize(
    ("status", "path", "arguments"),
    [
        (404, "unheard_of", {}),
        (404, "_world", {}),
        (400, "add_account", {}),
        (400, "fail_next", {"what": "unheardOf"}),
        (400, "configure", {"values": {"unheard": 1}}),
        (400, "accounts/nobody@firm.example/messages", {}),
        (400, f"{HERE}/delete", {"message_id": "A" * 60}),
        (400, f"{HERE}/deliver", {"raw": "", "folder": "Nowhere"}),
        (400, f"{HERE}/expire_links", {"how": "unheard"}),
        (400, f"{HERE}/notify", {}),
    ],
)
def test_a_wrong_order_is_refused(status, path, arguments, microsoft, eva, browser):
    url = f"{microsoft.url}/control/{path}"

    assert status == browser.client.post(url, json=arguments).status_code


def test_it_runs_by_itself_and_ends_when_it_is_told_to(tmp_path):
    (tmp_path / "mails").mkdir()
    box = mailbox.Maildir(tmp_path / "mails" / "eva@firm.example")
    box.add(mail())
    command = [sys.executable, "-m", "tests.fakes.microsoft", "--mail", str(tmp_path / "mails")]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(6)]
        process.send_signal(signal.SIGTERM)
        status = process.wait(20)

    assert 0 == status
    assert lines[0].startswith("ready: https://localhost:")
    named = dict(line.split("=", 1) for line in lines[1:])
    assert CLIENT_ID == named["MICROSOFT_CLIENT_ID"]
    assert f"{named['GRAPH_API_URL']}/common" == named["MICROSOFT_AUTHORITY"]
    assert "LEADMAIL_CA_FILE" in named


def test_it_takes_a_certificate_that_others_made(tmp_path):
    made = make_authority(tmp_path)

    with Microsoft(certificate=made.certificate, key=made.key, ca_file=made.ca_file) as microsoft:
        assert str(made.ca_file) == microsoft.environment()["LEADMAIL_CA_FILE"]
    with Microsoft(certificate=made.certificate, key=made.key) as microsoft:
        assert "LEADMAIL_CA_FILE" not in microsoft.environment()
