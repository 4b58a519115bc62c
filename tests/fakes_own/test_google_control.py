"""The stand-in from another process: started by itself, loaded from files, told by HTTP."""

from __future__ import annotations

import base64
import mailbox
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.fakes.google import Google
from tests.fakes_own import http
from tests.fakes_own.clients import ids, mail
from tests.servers.authority import make_authority

ROOT = Path(__file__).resolve().parents[2]


def tell(google: Google, path: str, **arguments: object) -> object:
    answer = http.post(f"{google.url}/control/{path}", json=arguments)
    assert answer.status_code == 200, answer.text
    told: object = answer.json()
    return told


def test_everything_can_be_told_by_http(google, anna, users):
    encoded = base64.b64encode(mail()).decode()
    here = "accounts/anna@firm.example"

    message_id = tell(google, f"{here}/deliver", raw=encoded, labels=["INBOX"])
    label = tell(google, f"{here}/create_label", name="Leads")
    tell(google, f"{here}/label", message_id=message_id, labels=[label])
    tell(google, "throttle", times=1, method="gmail.users.labels.list", retry_after=2)
    tell(google, "set_quota", units_per_minute=100)
    tell(google, "configure", values={"push_interval": 0, "sends_iss": False})
    listed = users.messages().list(userId="me").execute()
    counted = http.post(f"{google.url}/control/counters").json()

    assert [message_id] == ids(listed)
    assert {message_id: ["INBOX", "Label_1"]} == anna.messages()
    assert 5 == counted["users"]["anna@firm.example"]["units"]["gmail.users.messages.list"]
    assert ("Label_1", False) == (label, google.settings.sends_iss)


def test_accounts_are_made_and_named_by_http(google):
    made = tell(google, "add_account", address="bert@firm.example", sub="42")

    assert {"address": "bert@firm.example", "sub": "42"} == made
    assert ["bert@firm.example"] == tell(google, "accounts")


def test_the_methods_are_named(google):
    named = http.get(f"{google.url}/control").json()

    assert any(each.startswith("fail_next(") for each in named["/control"])
    assert any(each.startswith("deliver(") for each in named["/control/accounts/ADDRESS"])


@pytest.mark.parametrize(
    ("status", "path", "arguments"),
    [
        (404, "unheard_of", {}),
        (404, "_world", {}),
        (404, "close", {}),
        (400, "add_account", {}),
        (400, "add_account", {"address": "x@y.z", "more": 1}),
        (400, "fail_next", {"what": "unheardOf"}),
        (400, "configure", {"values": {"unheard": 1}}),
        (400, "accounts/nobody@firm.example/messages", {}),
        (400, "accounts/anna@firm.example/delete", {"message_id": "18cc477876878344"}),
    ],
)
def test_a_wrong_order_is_refused(status, path, arguments, google, anna):
    assert status == http.post(f"{google.url}/control/{path}", json=arguments).status_code


def test_a_maildir_is_loaded_with_its_folders_and_flags(google, anna, tmp_path):
    box = mailbox.Maildir(tmp_path / "maildir")
    read = mailbox.MaildirMessage(mail(subject="Read"))
    read.set_subdir("cur")
    read.set_flags("S")
    box.add(read)
    box.add(mail(subject="New"))
    box.add_folder("Sent").add(mail(subject="Sent"))
    box.add_folder("Leads").add(mail(subject="Own"))

    loaded = anna.load(tmp_path / "maildir")

    assert 4 == len(loaded)
    assert [["INBOX"], ["INBOX", "UNREAD"], ["Label_1", "UNREAD"], ["SENT", "UNREAD"]] == sorted(
        anna.messages().values()
    )


def test_an_mbox_is_loaded_as_it_was_written(google, anna, tmp_path):
    first = b"From: a@b.example\nSubject: One\n\nText\n\nFrom here on\n"
    second = b"From: a@b.example\nSubject: Two\n\nText\n"
    box = mailbox.mbox(tmp_path / "mails.mbox")
    box.add(first)
    box.add(second)
    box.flush()
    box.close()

    loaded = anna.load(tmp_path / "mails.mbox")

    assert [first, second] == [anna.raw(each) for each in loaded]


def test_loaded_mail_is_dated_by_its_date(google, anna, users):
    raw = mail(extra="Date: Mon, 1 Jan 2024 10:00:00 +0100\r\n")
    (message_id,) = anna.load(mails=[raw])

    found = users.messages().get(userId="me", id=message_id).execute()

    assert str(1_704_099_600_000) == found["internalDate"]


def test_a_reply_joins_the_thread_of_its_mail(google, anna):
    first = anna.deliver(mail(extra="Message-ID: <1@x>\r\n"))
    anna.deliver(mail(subject="AW: Offer", extra="References: <0@x> <1@x>\r\n"))
    anna.deliver(mail(subject="Else", extra="References: <1@x>\r\n"))

    threads = [
        each.thread for each in google._world.accounts.find(anna.address).mailbox.newest_first
    ]

    assert 2 == threads.count(first)


def test_it_serves_tls_with_a_certificate(tmp_path):
    files = make_authority(tmp_path)
    context = ssl.create_default_context(cafile=str(files.ca_file))
    with Google(certificate=files.certificate, key=files.key) as google:
        told = httpx.get(f"{google.url}/.well-known/openid-configuration", verify=context).json()

        assert google.url.startswith("https://localhost:")
        assert f"{google.url}/token" == told["token_endpoint"]


def test_it_runs_by_itself_and_ends_when_it_is_told_to(tmp_path):
    mails = tmp_path / "mail"
    mails.mkdir()
    mailbox.Maildir(mails / "anna@firm.example").add(mail())
    (mails / "bert@firm.example.mbox").write_bytes(b"From x\n" + mail() + b"\n")
    command = [sys.executable, "-m", "tests.fakes.google", "--mail", str(mails)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    with child.stdout as output:
        ready = output.readline().strip()
        settings = dict(output.readline().strip().partition("=")[::2] for _ in range(7))
        url = ready.removeprefix("ready: ")
        counted = [
            len(http.post(f"{url}/control/accounts/{name}@firm.example/messages").json())
            for name in ("anna", "bert")
        ]
        child.send_signal(signal.SIGTERM)
        ended = child.wait(10)

    assert f"{url}/token" == settings["GOOGLE_TOKEN_URL"]
    assert url == settings["GMAIL_API_URL"]
    assert ([1, 1], 0) == (counted, ended)
