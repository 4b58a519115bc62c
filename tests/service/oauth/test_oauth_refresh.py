"""Tokens are renewed ahead of their end, by one worker at a time, and no working grant is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import ConnectorError, Throttled, Unreachable
from connectors.oauth import ClientRefused, GrantEnded
from models.queries import leases
from tests.builders import MASTER_KEY
from tests.service.oauth.ground import Flow
from worker import grants
from worker.boot import Service
from worker.grants import fresh_grant, fresh_token

LATER = timedelta(minutes=50)


@pytest.fixture
def mailbox(flow: Flow) -> str:
    """A connected mailbox whose token is about to end."""
    mailbox = flow.connect(flow.person())
    flow.expire_token(mailbox)
    flow.tamper.reset()
    return mailbox


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused refresh is asked for again soon."""
    monkeypatch.setattr(grants, "ASKED_AGAIN_AFTER", timedelta(milliseconds=20))


def test_a_token_that_lasts_is_used_as_it_is(flow: Flow):
    mailbox = flow.connect(flow.person())

    tokens = {fresh_token(flow.service, flow.row(mailbox)) for _ in range(3)}

    assert {flow.grant(mailbox).access_token} == tokens
    assert 0 == flow.tamper.refreshes


@pytest.mark.parametrize(("left", "refreshes"), [(601, 0), (599, 1), (5, 1), (-5, 1)])
def test_a_token_is_renewed_ten_minutes_ahead_of_its_end(
    flow: Flow, mailbox: str, left: int, refreshes: int
):
    ends = datetime.now(UTC) + timedelta(seconds=left)
    given = ends - timedelta(hours=1)
    flow.reseal(mailbox, {"expires_at": ends.isoformat(), "renewed_at": given.isoformat()})

    grant = fresh_grant(flow.service, flow.row(mailbox))

    assert refreshes == flow.tamper.refreshes
    assert grant.expires_at is not None
    assert grant.expires_at > datetime.now(UTC) + timedelta(minutes=10)


def test_a_renewed_token_is_kept_with_all_else(flow: Flow, mailbox: str):
    before = flow.grant(mailbox)

    token = fresh_token(flow.service, flow.row(mailbox))

    row, after = flow.held(mailbox)
    assert token == after.access_token != before.access_token
    assert (before.secret, before.subject, before.granted_at, set(before.scopes)) == (
        after.secret,
        after.subject,
        after.granted_at,
        set(after.scopes),
    )
    assert after.expires_at is not None
    assert after.expires_at > datetime.now(UTC) + LATER
    assert 2 == row.version


def test_tokens_that_never_last_ten_minutes_are_not_renewed_each_time(flow: Flow, mailbox: str):
    flow.google.configure({"access_token_lasts": 300})

    tokens = {fresh_token(flow.service, flow.row(mailbox)) for _ in range(5)}

    assert 1 == len(tokens)
    assert 1 == flow.tamper.refreshes


def test_f18_twenty_threads_at_once_ask_once(flow: Flow, mailbox: str):
    flow.tamper.delay = 0.3
    row = flow.row(mailbox)

    with ThreadPoolExecutor(20) as pool:
        tokens = list(pool.map(lambda _: fresh_token(flow.service, row), range(20)))

    assert 1 == flow.tamper.refreshes
    assert {flow.grant(mailbox).access_token} == set(tokens)
    assert ("connecting", None) == flow.state(mailbox)


ASK = """
import sys
from concurrent.futures import ThreadPoolExecutor
from models.queries import mailboxes
from worker.boot import boot
from worker.grants import fresh_token
from worker.log import configure
service = boot()
configure("error")
workspace, mailbox = int(sys.argv[1]), int(sys.argv[2])
with service.store.workspace(workspace) as connection:
    row = mailboxes.find(connection, mailbox)
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(10) as pool:
    tokens = set(pool.map(lambda _: fresh_token(service, row), range(10)))
service.close()
print(len(tokens), flush=True)
"""


def environment(service: Service) -> dict[str, str]:
    """Return the environment that makes a process of this service."""
    settings = service.settings
    return os.environ | {
        "DATABASE_URL": settings.database_url,
        "VAULT_DATABASE_URL": settings.vault_database_url,
        "REDIS_URL": settings.redis_url,
        "LEADMAIL_MASTER_KEYS": MASTER_KEY,
        "GOOGLE_CLIENT_ID": settings.google_client_id,
        "GOOGLE_CLIENT_SECRET": settings.google_client_secret.get_secret_value(),
        "GOOGLE_TOKEN_URL": settings.google_token_url,
        "GOOGLE_REVOKE_URL": settings.google_revoke_url,
        "GOOGLE_AUTH_URL": settings.google_auth_url,
    }


def test_f18_two_processes_at_once_ask_once(flow: Flow, mailbox: str):
    flow.tamper.delay = 0.5
    command = [sys.executable, "-c", ASK, str(flow.tenant.id), mailbox]
    both = [
        subprocess.Popen(
            command,
            env=environment(flow.service),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert all(one.stdout and one.stdout.readline() == "ready\n" for one in both)

    for one in both:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60)[0] for one in both]

    assert ["1\n", "1\n"] == said
    assert 1 == flow.tamper.refreshes
    assert ("connecting", None) == flow.state(mailbox)


def test_no_transaction_is_open_while_google_is_asked(flow: Flow, mailbox: str):
    flow.tamper.delay = 1.0
    query = (
        "SELECT array_agg(query) FROM pg_stat_activity"
        " WHERE datname = current_database() AND starts_with(state, 'idle in')"
    )
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(fresh_token, flow.service, flow.row(mailbox))
        while not flow.tamper.refreshes:
            pass
        with flow.service.store.engine.connect() as connection:
            idle = connection.exec_driver_sql(query).scalar()
        asking.result()

    assert idle is None


def test_f18_a_rotated_refresh_token_is_kept(flow: Flow, mailbox: str):
    flow.tamper.on_answer = lambda said: said | {"refresh_token": "1//rotated"}

    fresh_token(flow.service, flow.row(mailbox))

    assert "1//rotated" == flow.grant(mailbox).secret


def test_f18_what_comes_back_late_never_overwrites_a_newer_grant(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person)
    flow.expire_token(mailbox)
    flow.tamper.on_answer = lambda said: said | {"refresh_token": "1//of the old grant"}
    flow.tamper.delay = 1.0
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(fresh_token, flow.service, flow.row(mailbox))
        while not flow.tamper.refreshes:
            pass
        # The person agrees anew meanwhile.
        flow.reseal(mailbox, {"secret": "1//newer", "expires_at": "2099-01-01T00:00:00+00:00"})
        flow.alter(
            "UPDATE mailbox_grant SET version = version + 1 WHERE mailbox_id = :m", m=mailbox
        )
        asking.result()

    assert "1//newer" == flow.grant(mailbox).secret


def test_f18_invalid_grant_once_ends_nothing(flow: Flow, mailbox: str):
    flow.google.fail_next("invalid_grant", times=1, method="oauth.token")

    token = fresh_token(flow.service, flow.row(mailbox))

    assert flow.grant(mailbox).access_token == token
    assert 2 == flow.tamper.refreshes
    assert ("connecting", None) == flow.state(mailbox)


@pytest.mark.parametrize("reason", ["invalid_grant", "invalid_rapt"])
def test_f17_invalid_grant_twice_asks_the_person_and_tells_the_crm_at_once(
    flow: Flow, mailbox: str, reason: str
):
    flow.google.fail_next(reason, times=2, method="oauth.token")

    with pytest.raises(GrantEnded):
        fresh_token(flow.service, flow.row(mailbox))

    assert ("reauthorize", "grant-ended") == flow.state(mailbox)
    assert [mailbox] == flow.changes("mailbox.reauthorize")
    assert 1 == flow.count("mailbox_grant")
    assert flow.row(mailbox).due_at is None
    problem = flow.crm.get(f"/v1/mailboxes/{mailbox}")["problem"]
    assert "Connect the mailbox again" in problem["action"]


def test_a_grant_that_has_ended_is_not_asked_for_again(flow: Flow, mailbox: str):
    flow.google.fail_next("invalid_grant", times=2, method="oauth.token")
    for _ in range(2):
        with pytest.raises(GrantEnded):
            fresh_token(flow.service, flow.row(mailbox))

    assert 2 == flow.tamper.refreshes
    assert [mailbox] == flow.changes("mailbox.reauthorize")


def test_f18_a_grant_renewed_between_two_refusals_lives(
    flow: Flow, mailbox: str, monkeypatch: pytest.MonkeyPatch
):
    flow.google.fail_next("invalid_grant", times=1, method="oauth.token")

    def renewed_meanwhile(_seconds: float) -> None:
        values = {"access_token": "newer", "expires_at": "2099-01-01T00:00:00+00:00"}
        flow.reseal(mailbox, values)
        flow.alter(
            "UPDATE mailbox_grant SET version = version + 1 WHERE mailbox_id = :m", m=mailbox
        )

    monkeypatch.setattr(grants, "sleep", renewed_meanwhile)

    assert "newer" == fresh_token(flow.service, flow.row(mailbox))
    assert 1 == flow.tamper.refreshes
    assert ("connecting", None) == flow.state(mailbox)


AWAY: dict[str, tuple[Callable[[Flow], object], type[ConnectorError]]] = {
    "500": (lambda flow: setattr(flow.tamper, "instead", (500, b"", {})), Unreachable),
    "503": (lambda flow: setattr(flow.tamper, "instead", (503, b"{}", {})), Unreachable),
    "429": (lambda flow: setattr(flow.tamper, "instead", (429, b"{}", {})), Throttled),
    "dropped": (lambda flow: flow.google.fail_next("dropped", 9, "oauth.token"), Unreachable),
    "invalid_client": (
        lambda flow: flow.google.fail_next("invalid_client", 9, "oauth.token"),
        ClientRefused,
    ),
    "org_internal": (
        lambda flow: flow.google.fail_next("org_internal", 9, "oauth.token"),
        ConnectorError,
    ),
    "a page instead": (
        lambda flow: setattr(flow.tamper, "instead", (400, b"<html>", {})),
        ConnectorError,
    ),
}


@pytest.mark.parametrize("weather", AWAY)
def test_f18_nothing_but_invalid_grant_ends_a_grant(flow: Flow, mailbox: str, weather: str):
    storm, expected = AWAY[weather]
    before = flow.held(mailbox)
    storm(flow)

    for _ in range(3):
        with pytest.raises(expected) as caught:
            fresh_token(flow.service, flow.row(mailbox))
        assert not isinstance(caught.value, GrantEnded)

    assert before == flow.held(mailbox)
    assert ("connecting", None) == flow.state(mailbox)
    # The control: once it is over, all is as before.
    flow.tamper.reset()
    flow.google.go_well()
    assert fresh_token(flow.service, flow.row(mailbox)) == flow.grant(mailbox).access_token


def test_a_worker_that_died_while_asking_is_waited_for_no_longer_than_its_lease(
    flow: Flow, mailbox: str
):
    with flow.service.store.workspace(flow.tenant.id) as connection:
        leases.take(connection, flow.tenant.id, int(mailbox), "refresh", timedelta(seconds=1))

    began = datetime.now(UTC)
    token = fresh_token(flow.service, flow.row(mailbox))

    assert token == flow.grant(mailbox).access_token
    assert datetime.now(UTC) - began < timedelta(seconds=10)


def test_the_text_of_what_goes_wrong_names_no_token_and_no_address(flow: Flow, mailbox: str):
    held = flow.grant(mailbox)
    flow.tamper.instead = (
        400,
        f'{{"error": "x", "error_description": "{held.secret}"}}'.encode(),
        {},
    )

    with pytest.raises(ConnectorError) as caught:
        fresh_token(flow.service, flow.row(mailbox))

    said = repr(caught.value) + str(caught.value.__cause__) + repr(held)
    assert held.secret not in said
    assert held.access_token not in said
    assert caught.value.__cause__ is None
