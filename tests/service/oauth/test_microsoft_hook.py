"""What anybody may send to `/hooks/graph`: it rings at most, and only for whom it knows."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.house import Bell
from tests.service.oauth.ground import Flow
from tests.service.oauth.sides import GRAPH
from worker.clock import tidy
from worker.connecting import card_of
from worker.watches import Watching, held

SIDES = (GRAPH,)


@pytest.fixture
def mailbox(flow: Flow, bell: Bell) -> str:
    """A connected mailbox, for which nobody has rung yet."""
    mailbox = flow.connect(flow.member())
    flow.alter("UPDATE mailbox SET due_at = now() + interval '1 day'")
    bell.waiting.clear()
    return mailbox


@pytest.fixture
def secret(flow: Flow, mailbox: str) -> str:
    """The secret of a watch of the mailbox."""
    return new_secret(flow, mailbox)


def new_secret(flow: Flow, mailbox: str) -> str:
    """Begin a watch, as if the provider had been asked for it; return its secret."""
    key, row = flow.service.vault.mailbox_key(flow.tenant.id, int(mailbox)), flow.row(mailbox)
    return Watching(flow.service, row, key, card_of(flow.service, row)).new_bell().secret


def send(flow: Flow, *secrets: object, **more: object) -> httpx.Response:
    """Send notices that bring these secrets."""
    value = [
        {
            "subscriptionId": "5f3c1a2e-0000-0000-0000-000000000001",
            "clientState": one,
            "changeType": "created",
            "resource": "Users/x/Messages/y",
            **more,
        }
        for one in secrets
    ]
    return post(flow, json.dumps({"value": value}).encode())


def post(flow: Flow, body: bytes, query: str = "") -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return flow.browser.post(f"{flow.url}/hooks/graph{query}", content=body, headers=headers)


def test_a_notice_rings_for_its_mailbox(flow: Flow, bell: Bell, mailbox: str, secret: str):
    answer = send(flow, secret)

    assert (202, b"") == (answer.status_code, answer.content)
    assert [("sync", int(mailbox))] == list(bell.waiting)
    assert 1 == flow.count("mailbox", "due_at <= now()")


def test_f10_a_late_notice_of_an_older_watch_rings_too(
    flow: Flow, bell: Bell, mailbox: str, secret: str
):
    newer = new_secret(flow, mailbox)
    flow.alter(
        "UPDATE mailbox_watch SET until = now() - interval '4 hours' WHERE id ="
        " (SELECT min(id) FROM mailbox_watch)"
    )
    tidy(flow.service)

    send(flow, secret)
    send(flow, newer)

    assert [("sync", int(mailbox))] * 2 == list(bell.waiting)


def test_a_watch_that_cannot_ring_any_more_is_forgotten(flow: Flow, mailbox: str, secret: str):
    flow.alter("UPDATE mailbox_watch SET until = now() - interval '25 hours'")

    tidy(flow.service)

    assert 0 == flow.count("mailbox_watch")
    assert 202 == send(flow, secret).status_code


def test_many_notices_of_many_mailboxes_ring_once_each(
    flow: Flow, bell: Bell, mailbox: str, secret: str
):
    other = flow.connect(flow.member(), user="8")
    bell.waiting.clear()
    theirs = new_secret(flow, other)

    send(flow, *[secret, theirs] * 20)

    assert [("sync", int(mailbox)), ("sync", int(other))] == sorted(bell.waiting)


FORGED: dict[str, object] = {
    "nobody's secret": "A" * 43,
    "empty": "",
    "not a text": 7,
    "null": None,
    "an object": {"x": 1},
    "beyond all bounds": "A" * 5000,
    "not ASCII": "ä" * 43,
}


@pytest.mark.parametrize("attack", FORGED)
def test_a_forged_notice_rings_for_nobody_and_is_not_told_so(
    flow: Flow, bell: Bell, mailbox: str, secret: str, attack: str
):
    answer = send(flow, FORGED[attack])

    assert (202, b"") == (answer.status_code, answer.content)
    assert [] == list(bell.waiting)
    assert 0 == flow.count("mailbox", "due_at <= now()")


@pytest.mark.parametrize("change", ["cut", "prolonged", "another letter", "another case"])
def test_a_secret_has_to_be_whole(flow: Flow, bell: Bell, secret: str, change: str):
    changed = {
        "cut": secret[:-1],
        "prolonged": secret + "A",
        "another letter": ("B" if secret[0] != "B" else "C") + secret[1:],
        "another case": secret.swapcase(),
    }[change]

    send(flow, changed)

    assert [] == list(bell.waiting)


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"<xml/>",
    "a list": b"[]",
    "no value": b"{}",
    "value not a list": b'{"value": {}}',
    "notices not objects": b'{"value": [1, null, "x", []]}',
    "deep": b'{"value": ' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("attack", BODIES)
def test_whatever_cannot_be_read_is_dropped(flow: Flow, bell: Bell, secret: str, attack: str):
    assert 202 == post(flow, BODIES[attack]).status_code
    assert [] == list(bell.waiting)


def test_a_body_beyond_all_bounds_is_refused(flow: Flow, bell: Bell, secret: str):
    assert 413 == post(flow, b"x" * (1024 * 1024 + 1)).status_code
    assert [] == list(bell.waiting)


@pytest.mark.parametrize("lifecycle", ["reauthorizationRequired", "subscriptionRemoved", "missed"])
def test_each_lifecycle_notice_rings_and_what_needs_care_is_seen_to(
    flow: Flow, bell: Bell, mailbox: str, secret: str, lifecycle: str
):
    flow.alter("UPDATE mailbox SET watch_due_at = now() + interval '3 days'")
    flow.alter("UPDATE mailbox_watch SET until = now() + interval '6 days', sealed = 'x'")

    send(flow, secret, lifecycleEvent=lifecycle)

    assert [("sync", int(mailbox))] == list(bell.waiting)
    assert int(lifecycle != "missed") == flow.count("mailbox", "watch_due_at <= now()")
    assert int(lifecycle == "subscriptionRemoved") == flow.count("mailbox_watch", "until <= now()")


@pytest.mark.parametrize("lifecycle", ["deleteEverything", 7, None, ["missed"], ""])
def test_an_unknown_lifecycle_event_rings_at_most(
    flow: Flow, bell: Bell, mailbox: str, secret: str, lifecycle: object
):
    flow.alter("UPDATE mailbox SET watch_due_at = now() + interval '3 days'")

    send(flow, secret, lifecycleEvent=lifecycle)

    assert [("sync", int(mailbox))] == list(bell.waiting)
    assert 0 == flow.count("mailbox", "watch_due_at <= now()")


@pytest.mark.parametrize("state", ["disconnecting", "reauthorize", "paused"])
def test_nobody_rings_for_a_mailbox_that_rests(
    flow: Flow, bell: Bell, mailbox: str, secret: str, state: str
):
    change = "paused = true" if state == "paused" else f"state = '{state}'"
    flow.alter(f"UPDATE mailbox SET {change}")

    assert 202 == send(flow, secret, lifecycleEvent="reauthorizationRequired").status_code
    assert [] == list(bell.waiting)


def test_the_handshake_is_answered_as_plain_text(flow: Flow):
    answer = post(flow, b"", "?validationToken=Validation%3A+Testing+client+reach%C3%A4bility")

    assert (200, "Validation: Testing client reachäbility") == (answer.status_code, answer.text)
    assert answer.headers["content-type"].startswith("text/plain")
    assert "nosniff" == answer.headers["x-content-type-options"]


def test_the_handshake_carries_no_page(flow: Flow):
    answer = post(flow, b"", "?validationToken=%3Cscript%3Ealert(1)%3C/script%3E")

    assert "<script" not in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_handshake_beyond_all_bounds_is_refused(flow: Flow):
    assert post(flow, b"", f"?validationToken={'A' * 5000}").status_code in (400, 422)


def test_a_handshake_brings_no_notices_along(flow: Flow, bell: Bell, secret: str):
    body = json.dumps({"value": [{"clientState": secret}]}).encode()

    assert 200 == post(flow, body, "?validationToken=x").status_code
    assert [] == list(bell.waiting)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_notices_come_by_post_only(flow: Flow, method: str):
    assert 405 == flow.browser.request(method, f"{flow.url}/hooks/graph").status_code


def test_the_secret_is_kept_as_a_hash_only(
    flow: Flow, secret: str, mailbox: str, caplog: pytest.LogCaptureFixture
):
    from sqlalchemy import text

    send(flow, secret, "x" * 43)

    with flow.service.store.workspace(flow.tenant.id) as connection:
        rows = "".join(connection.scalars(text("SELECT w::text FROM mailbox_watch w")))
    assert secret not in rows + caplog.text
    assert secret.encode().hex() not in rows
    key = flow.service.vault.mailbox_key(flow.tenant.id, int(mailbox))
    assert [] == list(held(flow.service, flow.row(mailbox), key))
