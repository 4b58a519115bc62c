"""Mailboxes over the API, on a real IMAP server: connected by a real login, or told why not."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models.mailbox import State
from models.queries import folders, leases, mailboxes, pending, states
from models.queries import leads as lead_queries
from privacy.contents import open_grant
from tests.builders import Letter
from tests.servers.dovecot import Dovecot
from tests.servers.hands import PASSWORD
from tests.service.api.calls import Crm, counted_statements
from worker.connecting import open_connector

_numbers = itertools.count(1)
LONG = timedelta(minutes=5)


@pytest.fixture
def account(dovecot: Dovecot) -> dict[str, Any]:
    """What the CRM sends to connect a mailbox that is there."""
    name = f"api{next(_numbers)}@firm.example"
    dovecot.user(name)
    with dovecot.client(name):
        pass
    return {
        "provider": "imap",
        "user": "u-1",
        "address": name,
        "host": "127.0.0.1",
        "port": dovecot.port,
        "security": "plain",
        "username": name,
        "password": PASSWORD,
    }


def test_a_mailbox_is_connected_by_a_real_login(crm: Crm, account: dict[str, Any]):
    answer = crm.call("POST", "/v1/mailboxes", json=account)

    assert 201 == answer.status_code
    mailbox = answer.json()
    assert ("u-1", "imap", account["address"], "connecting", None, None) == (
        mailbox["user"],
        mailbox["provider"],
        mailbox["address"],
        mailbox["state"],
        mailbox["last_synced_at"],
        mailbox["problem"],
    )
    assert {"folders_total": 0, "folders_done": 0, "examined": 0, "stored": 0}.items() <= mailbox[
        "progress"
    ].items()
    assert f"/v1/mailboxes/{mailbox['id']}" == answer.headers["location"]
    assert mailbox == crm.get(f"/v1/mailboxes/{mailbox['id']}")
    assert [mailbox] == crm.get("/v1/mailboxes")["items"]


def test_a_connected_mailbox_is_due_and_its_connector_opens(crm: Crm, account: dict[str, Any]):
    id_ = int(crm.call("POST", "/v1/mailboxes", json=account).json()["id"])
    tenant = crm.tenant

    with tenant.service.store.workspace(tenant.id) as connection:
        row = mailboxes.find(connection, id_)
        assert row is not None
        assert row.due_at is not None
    connector = open_connector(tenant.service, row)
    names = {folder.name for folder in connector.folders()}
    connector.close()

    assert "INBOX" in names


def test_nothing_of_an_account_is_kept_in_clear(crm: Crm, account: dict[str, Any]):
    crm.call("POST", "/v1/mailboxes", json=account)
    tenant = crm.tenant

    with tenant.service.store.workspace(tenant.id) as connection:
        rows = [
            *connection.scalars(text("SELECT mailbox::text FROM mailbox")),
            *connection.scalars(text("SELECT g::text FROM mailbox_grant g")),
        ]

    assert 2 == len(rows)
    for secret in (account["address"], PASSWORD, "127.0.0.1"):
        assert secret.encode().hex() not in "".join(rows)
        assert secret not in "".join(rows)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"password": "wrong"}, "authentication-failed"),
        ({"username": "nobody@firm.example"}, "authentication-failed"),
        ({"password": None, "access_token": "bad"}, "authentication-failed"),
        ({"host": "10.1.2.3", "port": 993}, "host-not-allowed"),
        ({"host": "169.254.169.254", "port": 993}, "host-not-allowed"),
        ({"host": "not a host"}, "host-not-allowed"),
        ({"port": 9}, "unreachable"),
        ({"host": "nowhere.invalid", "port": 993}, "unreachable"),
        ({"security": "tls", "port": "tls"}, "certificate-refused"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_account_that_cannot_be_reached_is_told_why(
    crm: Crm, dovecot: Dovecot, account: dict[str, Any], change: dict[str, Any], kind: str
):
    body = account | change
    if body["port"] == "tls":
        body["port"] = dovecot.tls_port

    answer = crm.call("POST", "/v1/mailboxes", json=body)

    assert 422 == answer.status_code
    problem = answer.json()
    assert f"http://crm.example/problems/{kind}" == problem["type"]
    assert PASSWORD not in answer.text
    assert problem["detail"]
    assert [] == crm.get("/v1/mailboxes")["items"]


def test_a_good_token_connects_too(crm: Crm, account: dict[str, Any]):
    token = {"access_token": f"good-{account['username']}", "password": None}

    assert 201 == crm.call("POST", "/v1/mailboxes", json=account | token).status_code


def test_a_folder_that_is_not_there_is_named(crm: Crm, account: dict[str, Any]):
    answer = crm.call("POST", "/v1/mailboxes", json=account | {"folders": ["INBOX", "Nope"]})

    assert 422 == answer.status_code
    assert ["folders.1"] == [error["field"] for error in answer.json()["errors"]]


def test_the_same_account_again_renews_the_grant_and_keeps_the_mailbox(
    crm: Crm, account: dict[str, Any]
):
    first = crm.call("POST", "/v1/mailboxes", json=account | {"folders": ["INBOX"]}).json()
    tenant, id_ = crm.tenant, int(first["id"])
    with tenant.service.store.workspace(tenant.id) as connection:
        states.note_problem(connection, id_, State.REAUTHORIZE, "authentication-failed", None)
    problem = crm.get(f"/v1/mailboxes/{id_}")["problem"]
    token = f"good-{account['username']}"

    again = crm.call(
        "POST", "/v1/mailboxes", json=account | {"password": None, "access_token": token}
    )

    assert ("authentication-failed", True) == (problem["code"], bool(problem["action"]))
    assert 200 == again.status_code
    assert (first["id"], "connecting", None, ["INBOX"]) == tuple(
        again.json()[name] for name in ("id", "state", "problem", "folders")
    )
    with tenant.service.store.workspace(tenant.id) as connection:
        row = mailboxes.grant(connection, id_)
    assert row is not None
    key = tenant.service.vault.mailbox_key(tenant.id, id_)
    grant = open_grant(key, tenant.id, id_, row.generation, row.sealed)
    assert ("access_token", token) == (grant.kind, grant.secret)


def test_another_user_or_address_is_another_mailbox(crm: Crm, account: dict[str, Any]):
    ids = {
        crm.call("POST", "/v1/mailboxes", json=account | change).json()["id"]
        for change in ({}, {"user": "u-2"}, {"address": "alias@firm.example"})
    }

    assert 3 == len(ids)


def test_an_address_that_becomes_our_own_stops_matching_and_goes_on_when_it_leaves(
    crm: Crm, account: dict[str, Any]
):
    crm.put_lead("crm-1", account["address"])

    id_ = crm.call("POST", "/v1/mailboxes", json=account).json()["id"]
    while_connected = crm.get("/v1/leads/crm-1")["ignored"]
    crm.call("DELETE", f"/v1/mailboxes/{id_}")

    assert [{"value": account["address"], "reason": "own"}] == while_connected
    assert [] == crm.get("/v1/leads/crm-1")["ignored"]
    assert "policy" in [one["scope"] for one in crm.get("/v1/erasures")["items"]]


def test_a_pause_keeps_writers_out_until_it_is_lifted(crm: Crm):
    tenant, id_ = crm.tenant, crm.tenant.mailbox()
    path = f"/v1/mailboxes/{id_}"

    paused = crm.call("PATCH", path, json={"paused": True})

    assert (200, "paused") == (paused.status_code, paused.json()["state"])
    assert {"rung": False} == crm.call("POST", f"{path}/sync").json()
    with tenant.service.store.workspace(tenant.id) as connection:
        assert not mailboxes.hold_live(connection, id_, 1)
    assert "live" == crm.call("PATCH", path, json={"paused": False}).json()["state"]
    assert {"rung": True} == crm.call("POST", f"{path}/sync").json()
    with tenant.service.store.workspace(tenant.id) as connection:
        assert mailboxes.hold_live(connection, id_, 1)


@pytest.mark.parametrize(
    ("before", "given", "is_listed_again"),
    [
        ("2026-03-02", "2026-01-01T00:00:00Z", True),
        ("2026-03-02", None, True),
        ("2026-03-02", "2026-03-03T00:00:00+01:00", False),
        (None, "2026-01-01T00:00:00Z", False),
    ],
    ids=["further back", "the whole past", "less", "less than all"],
)
def test_a_longer_past_is_listed_again(
    crm: Crm, before: str | None, given: str | None, is_listed_again: bool
):
    since = None if before is None else datetime.fromisoformat(before).replace(tzinfo=UTC)
    tenant, id_ = crm.tenant, crm.tenant.mailbox(since=since)
    with tenant.service.store.workspace(tenant.id) as connection:
        epoch = leases.take(connection, tenant.id, id_, "sync", LONG)

    answer = crm.call("PATCH", f"/v1/mailboxes/{id_}", json={"since": given})

    assert 200 == answer.status_code
    with tenant.service.store.workspace(tenant.id) as connection:
        [folder] = folders.of_mailbox(connection, id_)
        assert is_listed_again == (folder.cursor is None)
        assert is_listed_again == (folder.mark is None)
        # A sync that runs has the old start of reading, and writes nothing any more.
        assert epoch is not None
        if is_listed_again:
            assert not leases.is_held(connection, id_, "sync")


def test_other_folders_are_kept_sealed_and_rung_for(crm: Crm):
    tenant, id_ = crm.tenant, crm.tenant.mailbox()

    answer = crm.call("PATCH", f"/v1/mailboxes/{id_}", json={"folders": ["INBOX", "Übrige"]})

    assert ["INBOX", "Übrige"] == answer.json()["folders"]
    assert (
        None is crm.call("PATCH", f"/v1/mailboxes/{id_}", json={"folders": None}).json()["folders"]
    )
    with tenant.service.store.workspace(tenant.id) as connection:
        row = mailboxes.find(connection, id_)
        assert row is not None
        assert row.due_at is not None


def test_an_empty_change_changes_nothing(crm: Crm):
    id_ = crm.tenant.mailbox()
    before = crm.get(f"/v1/mailboxes/{id_}")

    assert before == crm.call("PATCH", f"/v1/mailboxes/{id_}", json={}).json()


def test_a_disconnected_mailbox_is_seen_leaving_and_names_nobody(crm: Crm):
    id_ = crm.tenant.mailbox("ben@firm.example")

    first = crm.call("DELETE", f"/v1/mailboxes/{id_}")
    again = crm.call("DELETE", f"/v1/mailboxes/{id_}")

    assert (202, first.json()) == (again.status_code, again.json())
    mailbox = crm.get(f"/v1/mailboxes/{id_}")
    assert ("disconnecting", None, None) == tuple(
        mailbox[name] for name in ("state", "user", "address")
    )
    assert 404 == crm.call("PATCH", f"/v1/mailboxes/{id_}", json={"paused": True}).status_code


@pytest.mark.parametrize(
    ("asked", "left"),
    [({"user": "ben"}, ["eve"]), ({"provider": "imap"}, []), ({"all": True}, [])],
    ids=["of a user", "of a provider", "all"],
)
def test_an_admin_revokes_many_at_once(crm: Crm, asked: dict[str, Any], left: list[str]):
    for address, user in (("b1@f.example", "ben"), ("b2@f.example", "ben"), ("e@f.example", "eve")):
        crm.tenant.mailbox(address, user)

    answer = crm.call(
        "POST", "/v1/revocations", json=asked | {"instructed_by": "a", "reference": "b"}
    )

    assert 202 == answer.status_code
    assert 3 - len(left) == len(answer.json()["items"])
    live = [one["user"] for one in crm.get("/v1/mailboxes")["items"] if one["state"] == "live"]
    assert left == live


def test_parked_mails_are_listed_and_tried_again(crm: Crm):
    tenant, id_ = crm.tenant, crm.tenant.mailbox()
    with tenant.service.store.workspace(tenant.id) as connection:
        [folder] = folders.of_mailbox(connection, id_)
        waiting = [(f"7:{n}", None, 1000 + n, datetime(2026, 3, 2, tzinfo=UTC)) for n in range(3)]
        pending.add(
            connection,
            workspace_id=tenant.id,
            mailbox_id=id_,
            generation=1,
            folder_id=folder.id,
            live=False,
            waiting=waiting,
        )
        ids = [row.id for row in pending.waiting(connection, id_, 10)]
        pending.park(connection, ids, "too-large")

    page = crm.get(f"/v1/mailboxes/{id_}/parked?limit=2")
    rest = crm.get(f"/v1/mailboxes/{id_}/parked?limit=2&cursor={page['next']}")
    count = crm.get(f"/v1/mailboxes/{id_}")["progress"]["parked"]
    retried = crm.call("POST", f"/v1/mailboxes/{id_}/parked/retry")

    assert ["7:0", "7:1", "7:2"] == sorted(one["ref"] for one in page["items"] + rest["items"])
    assert {"too-large"} == {one["reason"] for one in page["items"]}
    assert (3, {"retried": 3}, None) == (count, retried.json(), rest["next"])
    assert [] == crm.get(f"/v1/mailboxes/{id_}/parked")["items"]


def test_many_mailboxes_take_as_many_statements_as_few(crm: Crm):
    def statements(count: int) -> int:
        for number in range(count):
            crm.tenant.mailbox(f"m{count}.{number}@f.example", f"u{number}")
        with counted_statements(crm.tenant.service) as made:
            assert count <= len(crm.get("/v1/mailboxes?limit=200")["items"])
        return len(made)

    few, many = statements(3), statements(30)

    assert few == many
    assert few > 0


def test_what_happened_can_be_followed_and_replayed(crm: Crm, account: dict[str, Any]):
    id_ = crm.call("POST", "/v1/mailboxes", json=account).json()["id"]
    crm.call("PATCH", f"/v1/mailboxes/{id_}", json={"paused": True})
    first = crm.get("/v1/changes?limit=1")
    crm.call("DELETE", f"/v1/mailboxes/{id_}")

    later = crm.get(f"/v1/changes?after={first['items'][-1]['cursor']}")
    whole = crm.get("/v1/changes")

    kinds = [one["kind"] for one in whole["items"] if one["id"] == id_]
    assert ["mailbox.connected", "mailbox.paused", "mailbox.disconnecting"] == kinds
    assert whole["items"] == first["items"] + later["items"]
    assert whole["next"] is None


def test_leads_with_a_mailbox_address_are_rung_when_it_leaves(crm: Crm):
    tenant = crm.tenant
    leaving, staying = tenant.mailbox("a@f.example", "a"), tenant.mailbox("b@f.example", "b")
    crm.put_lead("crm-1", "a@f.example")
    message = tenant.mail(staying, Letter("a@f.example", ["b@f.example"]))
    assert 404 == crm.call("GET", f"/v1/messages/{message}").status_code

    crm.call("DELETE", f"/v1/mailboxes/{leaving}")

    with tenant.service.store.workspace(tenant.id) as connection:
        row = mailboxes.find(connection, staying)
        assert row is not None
        assert row.due_at is not None
        [address] = lead_queries.address_page(connection, None, 0, 10)
        assert address.inert is None
