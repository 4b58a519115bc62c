"""Mailboxes over the API, once connected: changed, paused, followed, and leaving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.queries import folders, leases, mailboxes, pending
from models.queries import leads as lead_queries
from tests.builders import Letter
from tests.service.api.calls import Crm, counted_statements

LONG = timedelta(minutes=5)


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
        assert is_listed_again == (folder.remaining is None)
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
