"""An administrator's delegation at Microsoft: named mailboxes by an application of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from connectors.oauth import GrantEnded
from tests.fakes.microsoft.person import Person
from tests.service.oauth.ground import Flow
from tests.service.oauth.sides import GRAPH, NUMBERS
from worker import grants
from worker.grants import fresh_token

SIDES = (GRAPH,)


class Organisation:
    """An organisation, two of its mailboxes, one of them shared, and its application's key."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.domain = f"org{next(NUMBERS)}.example"
        self.tenant = flow.microsoft.add_tenant(self.domain)
        self.anna = flow.microsoft.add_account(f"anna@{self.domain}")
        self.sales = flow.microsoft.add_account(f"sales@{self.domain}", is_shared=True)
        self.other = flow.microsoft.add_account(f"boss@{self.domain}")
        self.allow(self.anna, self.sales)

    def allow(self, *people: Person) -> None:
        """Let the application read these mailboxes only, as RBAC for Applications does."""
        self.flow.microsoft.permit_app(self.domain, mailboxes=[one.address for one in people])

    @property
    def key(self) -> dict[str, str]:
        """What the administrator gives."""
        registered = self.flow.stand_in.environment()
        return {
            "tenant": self.tenant,
            "client_id": registered["MICROSOFT_CLIENT_ID"],
            "client_secret": registered["MICROSOFT_CLIENT_SECRET"],
        }

    def body(self, *people: Person, **more: object) -> dict[str, Any]:
        """Return a call that delegates mailboxes."""
        users = [{"user": f"u{n}", "address": one.address} for n, one in enumerate(people)]
        return {"provider": "graph", "key": self.key, "users": users, **more}

    def make(self, *people: Person) -> list[str]:
        """Delegate mailboxes; return their ids."""
        answer = self.flow.crm.call("POST", "/v1/delegations", json=self.body(*people))
        assert 201 == answer.status_code, answer.text
        return [one["mailbox"] for one in answer.json()["mailboxes"]]


@pytest.fixture
def organisation(flow: Flow) -> Organisation:
    return Organisation(flow)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused refresh is asked for again soon."""
    monkeypatch.setattr(grants, "ASKED_AGAIN_AFTER", timedelta(milliseconds=20))


def test_each_named_mailbox_is_connected_a_shared_one_too(flow: Flow, organisation: Organisation):
    made = organisation.make(organisation.anna, organisation.sales)

    shown = flow.mailboxes()
    assert made == [box["id"] for box in shown]
    assert [organisation.anna.address, organisation.sales.address] == [
        box["address"] for box in shown
    ]
    grant = flow.grant(made[0])
    assert ("delegation", "", "graph") == (grant.kind, grant.secret, grant.provider)
    assert grant.access_token


def test_its_tokens_are_renewed_by_the_key(flow: Flow, organisation: Organisation):
    (mailbox,) = organisation.make(organisation.anna)
    before = flow.grant(mailbox).access_token
    flow.expire_token(mailbox)

    token = fresh_token(flow.service, flow.row(mailbox))

    assert flow.grant(mailbox).access_token == token != before
    assert {"client_credentials"} == {form["grant_type"] for form in flow.tamper.forms}


@pytest.mark.parametrize("who", ["other", "nobody"])
def test_a_mailbox_that_the_application_does_not_reach_is_refused_and_nothing_is_kept(
    flow: Flow, organisation: Organisation, who: str
):
    body = organisation.body(organisation.anna)
    address = organisation.other.address if who == "other" else f"nobody@{organisation.domain}"
    body["users"].append({"user": "u9", "address": address})

    answer = flow.crm.call("POST", "/v1/delegations", json=body)

    assert 422 == answer.status_code
    assert "users.1.address" == answer.json()["errors"][0]["field"]
    assert [] == flow.mailboxes()
    assert 0 == flow.count("delegation")


KEYS: dict[str, dict[str, object]] = {
    "no tenant": {"tenant": ""},
    "all tenants": {"tenant": "Common"},
    "another path": {"tenant": "x/../common"},
    "another host": {"tenant": "evil.example:443@x"},
    "a tenant that isn't there": {"tenant": "nobody.example"},
    "a tenant that allowed nothing": {"tenant": "firm.example"},
    "no application": {"client_id": ""},
    "an application by its name": {"client_id": "Leadmail"},
    "no secret": {"client_secret": ""},
    "a wrong secret": {"client_secret": "wrong"},
    "half a certificate": {"client_secret": "", "private_key": "-----BEGIN PRIVATE KEY-----"},
    "a certificate that isn't one": {
        "client_secret": "",
        "private_key": "-----BEGIN",
        "public_certificate": "-----BEGIN",
    },
    "numbers": {"tenant": 7, "client_id": 8, "client_secret": 9},
}


@pytest.mark.parametrize("attack", KEYS)
def test_a_key_that_proves_nothing_is_refused_and_nothing_is_kept(
    flow: Flow, organisation: Organisation, attack: str
):
    flow.microsoft.add_tenant("firm.example")
    body = organisation.body(organisation.anna)
    body["key"] |= KEYS[attack]

    answer = flow.crm.call("POST", "/v1/delegations", json=body)

    assert 422 == answer.status_code, answer.text
    assert "key" == answer.json()["errors"][0]["field"]
    assert "gmail" not in answer.text
    assert [] == flow.mailboxes()
    assert 0 == flow.count("delegation")
    assert organisation.key["client_secret"] not in answer.text


def test_the_installations_own_registration_opens_no_organisation(
    flow: Flow, organisation: Organisation
):
    # Whoever knows a tenant's id could else read the mail of all who trusted this installation.
    body = organisation.body(organisation.anna)
    del body["key"]["client_id"], body["key"]["client_secret"]

    assert 422 == flow.crm.call("POST", "/v1/delegations", json=body).status_code


def test_the_key_is_sealed_and_shown_to_nobody(
    flow: Flow, organisation: Organisation, caplog: pytest.LogCaptureFixture
):
    organisation.make(organisation.anna)

    with flow.service.store.workspace(flow.tenant.id) as connection:
        rows = "".join(connection.scalars(text("SELECT d::text FROM delegation d")))
    secret = organisation.key["client_secret"]
    for told in (rows, str(flow.crm.get("/v1/delegations")), caplog.text):
        assert secret not in told
        assert secret.encode().hex() not in told


def test_f17_access_that_was_taken_back_asks_the_administrator(
    flow: Flow, organisation: Organisation
):
    mailbox, kept = organisation.make(organisation.anna, organisation.sales)
    organisation.allow(organisation.sales)
    for one in (mailbox, kept):
        flow.expire_token(one)

    with pytest.raises(GrantEnded):
        fresh_token(flow.service, flow.row(mailbox))

    assert fresh_token(flow.service, flow.row(kept))
    assert ("reauthorize", "grant-ended") == flow.state(mailbox)
    assert ("connecting", None) == flow.state(kept)


def test_an_ended_delegation_disconnects_its_mailboxes_and_says_what_is_left(
    flow: Flow, organisation: Organisation
):
    (mailbox,) = organisation.make(organisation.anna)

    said = flow.disconnect(mailbox)

    assert [] == said["failed"]
    assert "in Exchange" in said["left_to_person"][0]
