"""Leads over the API: what the CRM says is what is kept, and what it takes away is purged."""

from __future__ import annotations

import pytest

from models.queries import leads as lead_queries
from models.queries import mailboxes, policies
from tests.builders import Letter
from tests.service.api.calls import Crm, counted_statements

ANNA = "anna@lead.example"


def test_a_lead_comes_back_as_it_was_put(crm: Crm):
    put = crm.put_lead("crm-1", "Anna@Lead.Example", domains=["@Firm.example"], name="Änna")

    assert {
        "id": "crm-1",
        "name": "Änna",
        "addresses": [ANNA],
        "domains": ["firm.example"],
        "ignored": [],
    } == put
    assert put == crm.get("/v1/leads/crm-1")
    assert {"items": [put], "next": None} == crm.get("/v1/leads")


def test_a_lead_is_replaced_and_not_added_to(crm: Crm):
    crm.put_lead("crm-1", ANNA, "old@lead.example")

    crm.put_lead("crm-1", ANNA, "new@lead.example", name="Anna Neu")

    lead = crm.get("/v1/leads/crm-1")
    assert ("Anna Neu", [ANNA, "new@lead.example"]) == (lead["name"], lead["addresses"])


def test_a_new_address_raises_the_policy_and_rings_every_mailbox(crm: Crm):
    tenant = crm.tenant
    mailbox = tenant.mailbox()
    before = version(crm)

    crm.put_lead("crm-1", ANNA)

    with tenant.service.store.workspace(tenant.id) as connection:
        row = mailboxes.find(connection, mailbox)
        assert row is not None
        assert row.due_at is not None
        assert before + 1 == policies.version(connection, tenant.id)


def test_the_same_lead_again_changes_nothing(crm: Crm):
    crm.put_lead("crm-1", ANNA)
    before = version(crm)

    crm.put_lead("crm-1", ANNA)

    assert before == version(crm)


def test_an_address_taken_away_makes_its_mail_unreadable_at_once_and_orders_its_purge(crm: Crm):
    mailbox = crm.tenant.mailbox()
    crm.put_lead("crm-1", ANNA, "else@lead.example")
    message = crm.tenant.mail(mailbox, Letter(ANNA, ["ben@firm.example"]))
    assert crm.get(f"/v1/messages/{message}")

    crm.put_lead("crm-1", "else@lead.example")

    assert 404 == crm.call("GET", f"/v1/messages/{message}").status_code
    assert [] == crm.get("/v1/leads/crm-1/conversations")["items"]
    assert ["policy"] == [one["scope"] for one in crm.get("/v1/erasures")["items"]]


def test_an_address_that_another_lead_has_too_is_not_purged(crm: Crm):
    mailbox = crm.tenant.mailbox()
    crm.put_lead("crm-1", ANNA)
    crm.put_lead("crm-2", ANNA)
    message = crm.tenant.mail(mailbox, Letter(ANNA, ["ben@firm.example"]))

    crm.put_lead("crm-1")

    assert ["crm-2"] == crm.get(f"/v1/messages/{message}")["leads"]
    assert [] == crm.get("/v1/erasures")["items"]


def test_a_deleted_lead_is_gone_with_its_mail_at_once(crm: Crm):
    mailbox = crm.tenant.mailbox()
    crm.put_lead("crm-1", ANNA)
    message = crm.tenant.mail(mailbox, Letter(ANNA, ["ben@firm.example"]))

    answer = crm.call("DELETE", "/v1/leads/crm-1")

    assert 202 == answer.status_code
    assert "lead" == crm.get(f"/v1/erasures/{answer.json()['erasure']}")["scope"]
    for path in ("/v1/leads/crm-1", "/v1/leads/crm-1/conversations", f"/v1/messages/{message}"):
        assert 404 == crm.call("GET", path).status_code
    assert 404 == crm.call("DELETE", "/v1/leads/crm-1").status_code


def test_a_deleted_lead_can_be_put_again(crm: Crm):
    crm.put_lead("crm-1", ANNA)
    crm.call("DELETE", "/v1/leads/crm-1")

    crm.put_lead("crm-1", ANNA)

    assert [ANNA] == crm.get("/v1/leads/crm-1")["addresses"]


def test_own_and_shared_addresses_bring_no_mail_in_and_are_named(crm: Crm):
    mailbox = crm.tenant.mailbox("ben@firm.example")
    crm.call("PUT", "/v1/policy", json={"own_domains": ["own.example"]})

    lead = crm.put_lead(
        "crm-1",
        *("ben@firm.example", "eve@own.example", ANNA),
        domains=["gmail.com", "own.example"],
    )

    reasons = {one["value"]: one["reason"] for one in lead["ignored"]}
    assert {
        "ben@firm.example": "own",
        "eve@own.example": "own",
        "gmail.com": "shared_domain",
        "own.example": "own",
    } == reasons
    assert lead == crm.get("/v1/leads/crm-1")
    mail = crm.tenant.mail(mailbox, Letter("eve@own.example", ["ben@firm.example"]))
    assert 404 == crm.call("GET", f"/v1/messages/{mail}").status_code


def test_an_erased_address_is_not_kept_again(crm: Crm):
    erase = {"address": ANNA, "instructed_by": "DPO", "reference": "R-1"}
    assert 202 == crm.call("POST", "/v1/erasures", json=erase).status_code

    lead = crm.put_lead("crm-1", ANNA, "else@lead.example")

    assert ["else@lead.example"] == lead["addresses"]
    assert [{"value": ANNA, "reason": "erased"}] == lead["ignored"]
    assert ["else@lead.example"] == crm.get("/v1/leads/crm-1")["addresses"]


def test_a_thousand_leads_are_taken_at_once(crm: Crm):
    items = [{"id": f"crm-{n}", "addresses": [f"p{n}@lead.example"]} for n in range(1000)]

    answer = crm.call("PUT", "/v1/leads", json={"items": items})

    assert 200 == answer.status_code
    assert 1000 == len(answer.json()["items"])
    assert ["p999@lead.example"] == crm.get("/v1/leads/crm-999")["addresses"]


def test_of_many_leads_with_one_mistake_none_is_taken(crm: Crm):
    items = [{"id": "crm-1", "addresses": [ANNA]}, {"id": "crm-2", "addresses": ["nonsense"]}]

    answer = crm.call("PUT", "/v1/leads", json={"items": items})

    assert 422 == answer.status_code
    assert ["items.1.addresses.0"] == [one["field"] for one in answer.json()["errors"]]
    assert [] == crm.get("/v1/leads")["items"]


def test_a_lead_given_twice_is_refused(crm: Crm):
    answer = crm.call("PUT", "/v1/leads", json={"items": [{"id": "crm-1"}, {"id": "crm-1"}]})

    assert 422 == answer.status_code
    assert ["items.1.id"] == [one["field"] for one in answer.json()["errors"]]


def test_leads_are_paged_in_the_order_they_came(crm: Crm):
    for number in range(5):
        crm.put_lead(f"crm-{number}")

    first = crm.get("/v1/leads?limit=3")
    second = crm.get(f"/v1/leads?limit=3&cursor={first['next']}")

    assert ["crm-0", "crm-1", "crm-2"] == [one["id"] for one in first["items"]]
    assert ["crm-3", "crm-4"] == [one["id"] for one in second["items"]]
    assert second["next"] is None


@pytest.mark.parametrize("method", ["GET", "PUT"], ids=["listing", "putting"])
def test_many_leads_take_as_many_statements_as_few(crm: Crm, method: str):
    def statements(prefix: str, count: int) -> int:
        items = [
            {"id": f"{prefix}{n}", "addresses": [f"{prefix}{n}@l.example"]} for n in range(count)
        ]
        with counted_statements(crm.tenant.service) as put:
            crm.call("PUT", "/v1/leads", json={"items": items})
        with counted_statements(crm.tenant.service) as listed:
            assert count <= len(crm.get("/v1/leads?limit=200")["items"])
        return len(put if method == "PUT" else listed)

    few, many = statements("a", 5), statements("b", 50)

    assert few == many
    assert few > 0


def test_what_is_kept_of_a_lead_is_sealed(crm: Crm):
    crm.put_lead("crm-geheim", "anna.geheim@lead.example", name="Anna Geheim")
    tenant = crm.tenant

    with tenant.service.store.workspace(tenant.id) as connection:
        rows = lead_queries.page(connection, 0, 10)
        rows = [*rows, *lead_queries.addresses(connection, [row.id for row in rows])]

    assert 2 == len(rows)
    assert b"eheim" not in b"".join(row.sealed + row.hash for row in rows)


def version(crm: Crm) -> int:
    """Return the policy's version."""
    with crm.tenant.service.store.workspace(crm.tenant.id) as connection:
        return policies.version(connection, crm.tenant.id)
