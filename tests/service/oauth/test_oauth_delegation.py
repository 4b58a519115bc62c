"""An administrator's delegation: named users' mailboxes by a service account's key."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import text

from tests.fakes.google.person import Person
from tests.service.oauth.ground import Flow
from tests.service.oauth.sides import READ
from worker.grants import fresh_token

_numbers = itertools.count(1)


@pytest.fixture
def people(flow: Flow) -> list[Person]:
    """Two people of an organisation."""
    return [flow.google.add_account(f"d{next(_numbers)}@org.example") for _ in range(2)]


@pytest.fixture
def key(flow: Flow) -> dict[str, str]:
    """The key of a service account that the organisation lets read its mail."""
    name = f"reader{next(_numbers)}@project.iam.gserviceaccount.com"
    return flow.google.add_service_account(name, {"org.example": READ})


def body(key: dict[str, str], *people: Person, **more: object) -> dict[str, Any]:
    users = [{"user": f"u{n}", "address": one.address} for n, one in enumerate(people)]
    return {"provider": "gmail", "key": key, "users": users, **more}


def make(flow: Flow, made: dict[str, Any]) -> Any:
    answer = flow.crm.call("POST", "/v1/delegations", json=made)
    assert 201 == answer.status_code, answer.text
    return answer.json()


def test_each_named_user_gets_a_mailbox(flow: Flow, key: dict[str, str], people: list[Person]):
    made = make(flow, body(key, *people, since="2026-01-01T00:00:00Z"))

    shown = flow.mailboxes()
    assert [one.address for one in people] == [box["address"] for box in made["mailboxes"]]
    assert [box["mailbox"] for box in made["mailboxes"]] == [box["id"] for box in shown]
    assert [("gmail", "u0"), ("gmail", "u1")] == [(box["provider"], box["user"]) for box in shown]
    grant = flow.grant(made["mailboxes"][0]["mailbox"])
    assert ("delegation", "", "gmail") == (grant.kind, grant.secret, grant.provider)
    assert grant.access_token
    listed = flow.crm.get("/v1/delegations")["items"]
    assert [(made["id"], 2)] == [(one["id"], one["mailboxes"]) for one in listed]


def test_its_tokens_are_renewed_by_the_key(flow: Flow, key: dict[str, str], people: list[Person]):
    mailbox = make(flow, body(key, people[0]))["mailboxes"][0]["mailbox"]
    before = flow.grant(mailbox).access_token
    flow.expire_token(mailbox)

    token = fresh_token(flow.service, flow.row(mailbox))

    assert flow.grant(mailbox).access_token == token != before
    asked = [form for form in flow.tamper.forms if "assertion" in form]
    assert 2 == len(asked)


def test_the_keys_own_token_uri_is_not_believed(
    flow: Flow, key: dict[str, str], people: list[Person]
):
    make(flow, body(key | {"token_uri": "http://169.254.169.254/token"}, people[0]))

    assert 1 == len(flow.tamper.forms)


def test_the_key_is_sealed_and_shown_to_nobody(
    flow: Flow, key: dict[str, str], people: list[Person], caplog: pytest.LogCaptureFixture
):
    made = make(flow, body(key, people[0]))

    with flow.service.store.workspace(flow.tenant.id) as connection:
        rows = "".join(connection.scalars(text("SELECT d::text FROM delegation d")))
    secret = key["private_key"].splitlines()[5]
    for told in (rows, str(made), str(flow.crm.get("/v1/delegations")), caplog.text):
        assert secret not in told
        assert secret.encode().hex() not in told
        assert key["client_email"] not in told


REFUSED: dict[str, dict[str, Any]] = {
    "a user of another organisation": {"users": [{"user": "1", "address": "x@other.example"}]},
    "a user that isn't there": {"users": [{"user": "1", "address": "nobody@org.example"}]},
    "no address": {"users": [{"user": "1", "address": "nobody"}]},
    "nobody": {"users": []},
    "no key": {"key": {}},
    "a key of something else": {"key": {"type": "authorized_user", "client_id": "x"}},
    "a key that doesn't parse": {
        "key": {"client_email": "a@b.example", "private_key": "-----BEGIN", "token_uri": "x"}
    },
    "another provider": {"provider": "graph"},
}


@pytest.mark.parametrize("attack", REFUSED)
def test_what_the_key_does_not_reach_is_refused_and_nothing_is_kept(
    flow: Flow, key: dict[str, str], people: list[Person], attack: str
):
    made = body(key, people[0])
    change = REFUSED[attack]
    change = change | {"users": made["users"] + change["users"]} if change.get("users") else change

    answer = flow.crm.call("POST", "/v1/delegations", json=made | change)

    assert 422 == answer.status_code, answer.text
    assert [] == flow.mailboxes()
    assert 0 == flow.count("delegation")
    assert key["private_key"] not in answer.text


def test_an_address_is_named_once(flow: Flow, key: dict[str, str], people: list[Person]):
    answer = flow.crm.call("POST", "/v1/delegations", json=body(key, people[0], people[0]))

    assert 422 == answer.status_code


def test_only_an_admin_may_delegate(flow: Flow, key: dict[str, str], people: list[Person]):
    for method, path, more in (
        ("POST", "/v1/delegations", {"json": body(key, *people)}),
        ("GET", "/v1/delegations", {}),
        ("DELETE", "/v1/delegations/1", {}),
    ):
        answer = flow.crm.call(method, path, key=flow.tenant.crm, **more)
        assert 403 == answer.status_code


def test_an_ended_delegation_disconnects_its_mailboxes_and_its_key_is_gone(
    flow: Flow, key: dict[str, str], people: list[Person]
):
    made = make(flow, body(key, *people))
    kept = flow.connect(flow.person(), user="9")

    ended = flow.crm.call("DELETE", f"/v1/delegations/{made['id']}").json()["erasures"]
    for order in ended:
        assert flow.service.purge.run(int(order))

    assert 2 == len(ended)
    assert 0 == flow.count("delegation")
    assert [kept] == [box["id"] for box in flow.mailboxes()]
    assert 404 == flow.crm.call("DELETE", f"/v1/delegations/{made['id']}").status_code


def test_another_clients_delegation_is_not_there(make_flow, key: dict[str, str], people):
    mine, theirs = make_flow(), make_flow("Other Ltd")
    made = make(mine, body(key, people[0]))

    assert 404 == theirs.crm.call("DELETE", f"/v1/delegations/{made['id']}").status_code
    assert [] == theirs.crm.get("/v1/delegations")["items"]


def test_a_delegation_that_google_took_back_asks_the_admin(
    flow: Flow, key: dict[str, str], people: list[Person], monkeypatch: pytest.MonkeyPatch
):
    from datetime import timedelta

    from connectors.oauth import GrantEnded
    from worker import grants

    monkeypatch.setattr(grants, "ASKED_AGAIN_AFTER", timedelta(milliseconds=20))
    mailbox = make(flow, body(key, people[0]))["mailboxes"][0]["mailbox"]
    people[0].disable()
    flow.expire_token(mailbox)

    with pytest.raises(GrantEnded):
        fresh_token(flow.service, flow.row(mailbox))

    assert ("reauthorize", "grant-ended") == flow.state(mailbox)


def test_a_mailbox_that_is_connected_otherwise_is_not_taken_over(
    flow: Flow, key: dict[str, str], people: list[Person]
):
    flow.tenant.mailbox(people[1].address, "u1")

    answer = flow.crm.call("POST", "/v1/delegations", json=body(key, *people))

    assert 409 == answer.status_code
    assert ["imap"] == [box["provider"] for box in flow.mailboxes()]
    assert 0 == flow.count("delegation")
