"""What a stand-in still knows when it is started again with the file that it kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.fakes.google import TOPIC, Google
from tests.fakes.google import Person as Googler
from tests.fakes.microsoft import Microsoft
from tests.fakes_own import http
from tests.fakes_own.browser import refresh
from tests.fakes_own.clients import gmail, mail
from tests.fakes_own.outlook import BACK, application, outlook
from tests.fakes_own.receiver import Receiver
from tests.fakes_own.test_microsoft_control import ROOT

ANNA, EVA = "anna@firm.example", "eva@firm.example"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def google_at(state: Path) -> Google:
    return Google(redirect_uris=[BACK], state=state)


def microsoft_at(state: Path, port: int = 0) -> Microsoft:
    return Microsoft(port, redirect_uris=[BACK], state=state)


@contextmanager
def mailbox_of(google: Google) -> Iterator[tuple[Googler, Any]]:
    anna = google.account(ANNA)
    with gmail(google, anna) as users:
        yield anna, users


def test_google_takes_the_tokens_and_the_history_id_of_before(state):
    with google_at(state) as google:
        anna = google.add_account(ANNA)
        anna.load(mails=[mail(subject="long ago")])
        token = anna.grant()["refresh_token"]
        with mailbox_of(google) as (_, users):
            users.watch(userId="me", body={"topicName": TOPIC}).execute()
            before = users.getProfile(userId="me").execute()["historyId"]
        came = anna.deliver(mail(subject="came"))
        anna.trash(came)

    with google_at(state) as google:
        status = refresh(google, token).status_code
        with mailbox_of(google) as (anna, users):
            changes = users.history().list(userId="me", startHistoryId=before).execute()
            messages = anna.messages()
        is_watched = anna.is_watched()

    assert (200, True) == (status, is_watched)
    assert ["messagesAdded", "labelsAdded", "labelsRemoved"] == [
        name for each in changes["history"] for name in each if name not in {"id", "messages"}
    ]
    assert (["TRASH", "UNREAD"], 2) == (messages[came], len(messages))


def test_google_still_revokes_and_pushes_what_it_was_allowed_before(state):
    with google_at(state) as google:
        anna = google.add_account(ANNA)
        token = anna.grant()["refresh_token"]
        with mailbox_of(google) as (_, users):
            users.watch(userId="me", body={"topicName": TOPIC}).execute()

    with google_at(state) as google, Receiver() as receiver:
        google.settings.push_url = receiver.url
        anna = google.account(ANNA)
        anna.deliver(mail())
        google.wait_for_pushes()
        http.post(f"{google.url}/revoke", data={"token": token})
        left = anna.is_granted()

    assert 1 == len(receiver.received)
    assert not left


def test_tokens_signed_before_can_still_be_proven(state):
    with google_at(state) as google:
        google.rotate_keys()
        before = http.get(f"{google.url}/oauth2/v3/certs").json()

    with google_at(state) as google:
        after = http.get(f"{google.url}/oauth2/v3/certs").json()
        signed = google._common.keys.sign({"sub": "1"})

    assert before == after
    assert {"sub": "1"} == jwt.decode(
        signed, jwt.PyJWK(before["keys"][0]).key, algorithms=["RS256"]
    )


def test_microsoft_takes_the_tokens_and_the_delta_link_of_before(state):
    with microsoft_at(state) as microsoft:
        port = int(microsoft.url.rpartition(":")[2])
        eva = microsoft.add_account(EVA)
        eva.load(mails=[mail(subject="long ago")])
        token = eva.grant()["refresh_token"]
        browser = outlook(microsoft, eva)
        _, link = browser.round("/me/mailFolders/inbox/messages/delta")
        browser.client.close()
        came = eva.deliver(mail(subject="came"))
        access, ca = browser.token, microsoft.ca_file

    with microsoft_at(state, port) as microsoft:
        refreshed = application(microsoft).acquire_token_by_refresh_token(token, ["Mail.Read"])
        again = outlook(microsoft, microsoft.account(EVA))
        told = again.get(link, token=access)["value"]
        again.client.close()
        authority = microsoft.ca_file

    assert "access_token" in refreshed
    assert [came] == [each["id"] for each in told]
    assert ca == authority


def test_microsoft_refuses_after_a_restart_what_it_refused_before(state):
    with microsoft_at(state) as microsoft:
        eva = microsoft.add_account(EVA)
        token = eva.grant()["refresh_token"]
        eva.require(50076)
        eva.revoke()

    with microsoft_at(state) as microsoft:
        answered = application(microsoft).acquire_token_by_refresh_token(token, ["Mail.Read"])

    assert "invalid_grant" == answered["error"]


def test_what_was_answered_survives_a_kill(state):
    with google_at(state) as google:
        anna = google.add_account(ANNA)
        told = http.post(f"{google.url}/control/accounts/{ANNA}/grant", json={}).json()
        # As a kill leaves it: nothing is written at the end.
        left = shutil.copy(state, state.with_name("left"))
        access = refresh(google, told["refresh_token"]).json()["access_token"]
        later = shutil.copy(state, state.with_name("later"))
        assert anna.is_granted()

    with google_at(Path(left)) as google:
        status = refresh(google, told["refresh_token"]).status_code
    with google_at(Path(later)) as google:
        profile = http.get(
            f"{google.url}/gmail/v1/users/me/profile",
            headers={"authorization": f"Bearer {access}"},
        )

    assert (200, 200) == (status, profile.status_code)


def test_its_file_is_its_owners_alone_and_no_other_edition_reads_it(state, capfd):
    with google_at(state) as google:
        google.add_account(ANNA)
    mode = state.stat().st_mode & 0o777
    state.write_bytes(b"0" + state.read_bytes()[1:])

    with google_at(state) as google:
        known = google.accounts()

    assert (0o600, []) == (mode, known)
    assert "another edition" in capfd.readouterr().err


def test_it_runs_again_with_what_it_kept_and_not_with_mail_loaded_twice(tmp_path, state):
    box = tmp_path / "mails" / EVA
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True)
    (box / "cur" / "1:2,S").write_bytes(mail())
    command = [sys.executable, "-m", "tests.fakes.microsoft", "--mail", str(box.parent)]

    for _ in range(2):
        with subprocess.Popen(
            [*command, "--state", str(state)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("ready: ")
            process.terminate()
            assert 0 == process.wait(20)

    with microsoft_at(state) as microsoft:
        assert 1 == len(microsoft.account(EVA).messages())
