"""Erasures, certificates, statistics and the policy over the API."""

from __future__ import annotations

from base64 import b64decode
from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert

from models.queries import leads as lead_queries
from models.queries import policies
from models.workspace import Activity
from privacy.certificate import verify
from privacy.contents import seal_active_user
from tests.builders import Letter
from tests.service.api.calls import Crm
from worker.activity import number_of

WHO = {"instructed_by": "DPO", "reference": "R-1"}
ANNA, BEN = "anna@lead.example", "ben@firm.example"


@pytest.mark.parametrize("scope", ["mailbox", "lead", "address"])
def test_an_erasure_is_followed_to_its_certificate(crm: Crm, scope: str):
    tenant, mailbox = crm.tenant, crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    message = tenant.mail(mailbox, Letter(ANNA, [BEN]))
    body = {"mailbox": str(mailbox), "lead": "crm-1", "address": ANNA}

    id_ = crm.call("POST", "/v1/erasures", json={scope: body[scope], **WHO}).json()["id"]
    ordered = crm.get(f"/v1/erasures/{id_}")
    early = crm.call("GET", f"/v1/erasures/{id_}/certificate")
    crm.purge(id_)
    done = crm.get(f"/v1/erasures/{id_}")
    certificate = crm.call("GET", f"/v1/erasures/{id_}/certificate")
    key = crm.get("/v1/certificates/key")

    assert (scope, "fenced", None) == tuple(
        ordered[name] for name in ("scope", "state", "verified_at")
    )
    assert 404 == early.status_code
    assert ("verified", 1) == (done["state"], done["removed"]["mail"])
    assert done["verified_at"] >= done["fenced_at"] >= done["requested_at"]
    assert verify(certificate.content, b64decode(key["public_key"])) is not None
    assert verify(certificate.content.replace(b"R-", b"S-"), b"x" * 32) is None
    assert key["pem"].startswith("-----BEGIN PUBLIC KEY-----")
    assert ANNA not in certificate.text
    assert 404 == crm.call("GET", f"/v1/messages/{message}").status_code
    if scope == "mailbox":
        assert 404 == crm.call("GET", f"/v1/mailboxes/{mailbox}").status_code


def test_erasures_are_listed_newest_first_in_pages(crm: Crm):
    ids = [
        crm.call("POST", "/v1/erasures", json={"address": f"{n}@l.example", **WHO}).json()["id"]
        for n in range(3)
    ]

    first = crm.get("/v1/erasures?limit=2")
    second = crm.get(f"/v1/erasures?limit=2&cursor={first['next']}")

    assert ids[::-1] == [one["id"] for one in first["items"] + second["items"]]
    assert second["next"] is None


def activity(
    crm: Crm, user: str, account: bytes, incarnation: int, day: str, **counts: int
) -> None:
    """Write an activity row as the importer does."""
    tenant = crm.tenant
    keys = tenant.service.vault.workspace(tenant.id)
    with tenant.service.store.workspace(tenant.id) as connection:
        connection.execute(
            insert(Activity).values(
                workspace_id=tenant.id,
                user_hash=keys.index.hash("user", user),
                account_hash=account,
                incarnation=incarnation,
                day=number_of(date.fromisoformat(day)),
                sealed_user=seal_active_user(keys.sealing, tenant.id, incarnation, user),
                **counts,
            )
        )


def test_statistics_add_accounts_and_take_the_fullest_connection_of_each(crm: Crm):
    activity(crm, "ben", b"a" * 16, 1, "2026-03-02", sent=5, received=7)
    activity(crm, "ben", b"a" * 16, 2, "2026-03-02", sent=4, received=9)
    activity(crm, "ben", b"b" * 16, 3, "2026-03-02", sent=1, received=1)
    activity(crm, "eve", b"c" * 16, 4, "2026-03-03", sent=2, received=0)

    page = crm.get("/v1/statistics?by=user")

    assert [
        {"user": "ben", "day": "2026-03-02", "sent": 6, "received": 10},
        {"user": "eve", "day": "2026-03-03", "sent": 2, "received": 0},
    ] == page["items"]
    assert page["next"] is None


def test_statistics_are_of_the_days_asked_for_in_pages(crm: Crm):
    for day in ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"):
        activity(crm, "ben", b"a" * 16, 1, day, sent=1, received=0)

    path = "/v1/statistics?from=2026-03-02&to=2026-03-03&limit=1"
    first = crm.get(path)
    second = crm.get(f"{path}&cursor={first['next']}")

    days = [one["day"] for one in first["items"] + second["items"]]
    assert (["2026-03-02", "2026-03-03"], None) == (days, second["next"])


def test_statistics_survive_an_erasure(crm: Crm):
    mailbox = crm.tenant.mailbox(BEN)
    activity(crm, "ben", b"a" * 16, mailbox, "2026-03-02", sent=5, received=7)
    before = crm.get("/v1/statistics")

    id_ = crm.call("POST", "/v1/erasures", json={"mailbox": str(mailbox), **WHO}).json()["id"]
    crm.purge(id_)

    assert before == crm.get("/v1/statistics")
    assert 1 == len(before["items"])


POLICY: dict[str, Any] = {
    "own_addresses": ["Boss@Firm.example"],
    "own_domains": ["firm.example"],
    "blocked": {"addresses": ["Spy@spy.example"], "domains": ["bad.example"]},
    "role_cap": 50,
    "mirror_removals": False,
}


def test_the_policy_comes_back_as_it_was_put(crm: Crm):
    fresh = crm.get("/v1/policy")

    put = crm.call("PUT", "/v1/policy", json=POLICY).json()

    assert {
        "own_addresses": [],
        "own_domains": [],
        "blocked": {"addresses": [], "domains": []},
        "role_cap": 200,
        "mirror_removals": True,
    } == fresh
    assert {
        "own_addresses": ["boss@firm.example"],
        "own_domains": ["firm.example"],
        "blocked": {"addresses": ["spy@spy.example"], "domains": ["bad.example"]},
        "role_cap": 50,
        "mirror_removals": False,
    } == put
    assert put == crm.get("/v1/policy")
    assert fresh == crm.call("PUT", "/v1/policy", json={}).json()


def version(crm: Crm) -> int:
    """Return the policy's version."""
    with crm.tenant.service.store.workspace(crm.tenant.id) as connection:
        return policies.version(connection, crm.tenant.id)


def test_the_same_policy_again_changes_nothing(crm: Crm):
    crm.call("PUT", "/v1/policy", json=POLICY)
    before = version(crm)

    crm.call("PUT", "/v1/policy", json=POLICY)

    assert before == version(crm)


def test_a_domain_of_ones_own_silences_leads_and_frees_them_again(crm: Crm):
    mailbox = crm.tenant.mailbox("x@elsewhere.example")
    crm.put_lead("crm-1", ANNA)
    message = crm.tenant.mail(mailbox, Letter(ANNA, ["x@elsewhere.example"]))

    crm.call("PUT", "/v1/policy", json={"own_domains": ["lead.example"]})
    while_own = crm.call("GET", f"/v1/messages/{message}").status_code
    before = version(crm)
    crm.call("PUT", "/v1/policy", json={})

    assert 404 == while_own
    assert 200 == crm.call("GET", f"/v1/messages/{message}").status_code
    with crm.tenant.service.store.workspace(crm.tenant.id) as connection:
        found = policies.lead_addresses_since(connection, (before, 0), 10)
    assert 1 == len(found)


def test_what_is_not_blocked_any_more_is_searched_for(crm: Crm):
    crm.put_lead("crm-1", ANNA)
    crm.call("PUT", "/v1/policy", json={"blocked": {"domains": ["bad.example"]}})
    before = version(crm)

    crm.call("PUT", "/v1/policy", json={})

    with crm.tenant.service.store.workspace(crm.tenant.id) as connection:
        assert 1 == len(policies.lead_addresses_since(connection, (before, 0), 10))


def test_a_higher_cap_lets_role_addresses_take_mail_again(crm: Crm):
    crm.put_lead("crm-1", "info@lead.example")
    tenant = crm.tenant
    with tenant.service.store.workspace(tenant.id) as connection:
        [row] = lead_queries.address_page(connection, None, 0, 10)
        connection.exec_driver_sql("UPDATE lead_address SET capped = true WHERE id = %s", (row.id,))
    capped = crm.get("/v1/leads/crm-1")["ignored"]

    crm.call("PUT", "/v1/policy", json={"role_cap": 500})

    assert [{"value": "info@lead.example", "reason": "role_capped"}] == capped
    assert [] == crm.get("/v1/leads/crm-1")["ignored"]
