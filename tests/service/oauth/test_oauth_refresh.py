"""Tokens are renewed ahead of their end, by one worker at a time, and no working grant is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import ConnectorError, Throttled, Unreachable
from connectors.oauth import ClientRefused, GrantEnded
from models.queries import leases
from tests.service.oauth.ground import Flow
from tests.service.oauth.sides import GMAIL, GRAPH
from worker import grants
from worker.boot import Service
from worker.doctor import check_google
from worker.grants import fresh_grant, fresh_token
from worker.reminders import remind

SIDES = (GMAIL, GRAPH)
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
    # Microsoft gives another refresh token each time.
    assert (flow.side.provider == GRAPH) == (before.secret != after.secret)
    assert (before.subject, before.granted_at, set(before.scopes)) == (
        after.subject,
        after.granted_at,
        set(after.scopes),
    )
    assert after.expires_at is not None
    assert after.expires_at > datetime.now(UTC) + LATER
    assert 2 == row.version


def test_tokens_that_never_last_ten_minutes_are_not_renewed_each_time(flow: Flow, mailbox: str):
    flow.stand_in.configure({flow.side.lasts: 300})

    tokens = {fresh_token(flow.service, flow.row(mailbox)) for _ in range(5)}

    assert 1 == len(tokens)
    assert 1 == flow.tamper.refreshes


def test_f18_invalid_grant_once_ends_nothing(flow: Flow, mailbox: str):
    flow.side.refuse(1)

    token = fresh_token(flow.service, flow.row(mailbox))

    assert flow.grant(mailbox).access_token == token
    assert 2 == flow.tamper.refreshes
    assert ("connecting", None) == flow.state(mailbox)


@pytest.mark.parametrize("reason", [0, 1])
def test_f17_invalid_grant_twice_asks_the_person_and_tells_the_crm_at_once(
    flow: Flow, mailbox: str, reason: int
):
    flow.side.refuse(2, flow.side.ends[reason])

    with pytest.raises(GrantEnded):
        fresh_token(flow.service, flow.row(mailbox))

    assert ("reauthorize", "grant-ended") == flow.state(mailbox)
    assert [mailbox] == flow.changes("mailbox.reauthorize")
    assert 1 == flow.count("mailbox_grant")
    assert flow.row(mailbox).due_at is None
    problem = flow.crm.get(f"/v1/mailboxes/{mailbox}")["problem"]
    assert "Connect the mailbox again" in problem["action"]


def test_a_grant_that_has_ended_is_not_asked_for_again(flow: Flow, mailbox: str):
    flow.side.refuse(2)
    for _ in range(2):
        with pytest.raises(GrantEnded):
            fresh_token(flow.service, flow.row(mailbox))

    assert 2 == flow.tamper.refreshes
    assert [mailbox] == flow.changes("mailbox.reauthorize")


def test_f18_a_grant_renewed_between_two_refusals_lives(
    flow: Flow, mailbox: str, monkeypatch: pytest.MonkeyPatch
):
    flow.side.refuse(1)

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
    "dropped": (lambda flow: flow.side.refuse(9, "dropped"), Unreachable),
    "the client": (lambda flow: flow.side.refuse(9, flow.side.client_refusal), ClientRefused),
    "something else": (lambda flow: flow.side.refuse(9, flow.side.other_refusal), ConnectorError),
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
    flow.stand_in.go_well()
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


def test_f17_the_crm_is_told_again_each_day_until_it_is_repaired(flow: Flow, mailbox: str):
    flow.side.refuse(2)
    with pytest.raises(GrantEnded):
        fresh_token(flow.service, flow.row(mailbox))

    at_once = remind(flow.service)
    flow.alter("UPDATE mailbox SET problem_at = now() - interval '25 hours'")
    after_a_day = [remind(flow.service) for _ in range(2)]
    flow.alter("UPDATE mailbox SET due_at = now() - interval '1 second'")
    after_two = remind(flow.service)
    flow.alter("UPDATE mailbox SET due_at = now() - interval '1 second', state = 'live'")
    repaired = remind(flow.service)

    assert (0, [1, 0], 1, 0) == (at_once, after_a_day, after_two, repaired)
    assert [mailbox] * 3 == flow.changes("mailbox.reauthorize")


@pytest.mark.over(GMAIL)
def test_the_doctor_sees_whether_the_registration_works(flow: Flow):
    well = list(check_google(flow.service))
    half = flow.service.settings.model_copy(update={"google_client_id": ""})
    lost = flow.service.settings.model_copy(update={"google_keys_url": "http://127.0.0.1:9/keys"})

    found = [[one.problem for one in check_google(Service(each))] for each in (half, lost)]

    assert [] == well
    assert "only one of" in found[0][0]
    assert "Unreachable" in found[1][0]
