"""Walls over the API: a key opens its own workspace, by its scope, and nothing else.

The routes come from the OpenAPI document, so a new one without its place here fails.
"""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from tests.builders import File, Letter
from tests.service.api.calls import Crm
from web.app import create_app
from worker.boot import Service
from worker.delegations import Delegations
from worker.settings import Settings
from worker.workspaces import revoke_key

OPEN = {"/healthz", "/readyz", "/metrics"}
ADMIN = (
    *("/v1/erasures", "/v1/certificates", "/v1/statistics", "/v1/policy", "/v1/revocations"),
    *("/v1/integration", "/v1/delegations"),
)
BODIES: dict[tuple[str, str], dict[str, object]] = {
    ("put", "/v1/leads/{lead}"): {"name": "x"},
    ("put", "/v1/leads"): {"items": []},
    ("put", "/v1/policy"): {},
    ("put", "/v1/integration"): {"return_urls": []},
    ("post", "/v1/connect"): {"user": "u", "return_url": "https://crm.example/"},
    ("patch", "/v1/mailboxes/{mailbox}"): {"paused": True},
    ("post", "/v1/mailboxes"): {
        "provider": "imap",
        "user": "u",
        "address": "u@firm.example",
        "host": "127.0.0.1",
        "port": 1,
        "username": "u",
        "password": "p",
    },
    ("post", "/v1/erasures"): {"lead": "none", "instructed_by": "x", "reference": "y"},
    ("post", "/v1/revocations"): {"user": "none", "instructed_by": "x", "reference": "y"},
}


def operations() -> list[tuple[str, str]]:
    """Return method and path of every call that the document describes."""
    document = create_app(Service(Settings())).openapi()
    return [(method, path) for path, methods in document["paths"].items() for method in methods]


OPERATIONS = operations()
BEHIND_A_KEY = [one for one in OPERATIONS if one[1] not in OPEN]
OF_ONE_THING = [one for one in BEHIND_A_KEY if "{" in one[1] and one[0] != "put"]
LISTS = [one for one in BEHIND_A_KEY if one[0] == "get" and "{" not in one[1]]


@pytest.fixture
def things(crm: Crm) -> dict[str, str]:
    """One of everything, in the first Client's workspace, by the name in the path."""
    tenant = crm.tenant
    mailbox = tenant.mailbox("ben@firm.example")
    crm.put_lead("crm-1", "anna@lead.example")
    conversation = tenant.conversation()
    letter = Letter("anna@lead.example", ["ben@firm.example"], files=[File("2", "offer.pdf")])
    message = tenant.mail(mailbox, letter, conversation)
    erase = {"address": "gone@lead.example", "instructed_by": "x", "reference": "y"}
    erasure = crm.call("POST", "/v1/erasures", json=erase).json()["id"]
    return {
        "mailbox": str(mailbox),
        "lead": "crm-1",
        "conversation": str(conversation),
        "message": message,
        "attachment": f"{message}-2",
        "erasure": erasure,
        "delegation": str(Delegations(tenant.service, tenant.id, "test").keep("gmail", "{}")),
    }


@pytest.mark.parametrize(("method", "path"), OF_ONE_THING, ids=map(" ".join, OF_ONE_THING))
def test_a_thing_of_another_workspace_is_not_there(
    crm: Crm, other_crm: Crm, things: dict[str, str], method: str, path: str
):
    address, body = path.format_map(things), BODIES.get((method, path))

    foreign = other_crm.call(method.upper(), address, json=body)
    own = crm.call(method.upper(), address, json=body)

    assert (404, "application/problem+json") == (
        foreign.status_code,
        foreign.headers["content-type"],
    )
    # An erasure that isn't verified has no certificate yet; all else is there for its owner.
    if not path.endswith("/certificate"):
        assert own.status_code in (200, 202)


@pytest.mark.parametrize(("method", "path"), LISTS, ids=map(" ".join, LISTS))
def test_a_list_holds_nothing_of_another_workspace(
    crm: Crm, other_crm: Crm, things: dict[str, str], method: str, path: str
):
    answer = other_crm.call(method.upper(), path)

    assert 200 == answer.status_code
    assert not answer.json().get("items")
    assert not any(thing in answer.text for thing in things.values() if len(thing) > 3)
    assert crm.tenant.id != other_crm.tenant.id


def test_a_lead_put_under_the_same_id_is_another_lead(
    crm: Crm, other_crm: Crm, things: dict[str, str]
):
    other_crm.put_lead(things["lead"], "other@lead.example", name="Other")

    assert "Anna" == crm.get("/v1/leads/crm-1")["name"]
    assert [] == other_crm.get("/v1/leads/crm-1/conversations")["items"]


@pytest.mark.parametrize(("method", "path"), BEHIND_A_KEY, ids=map(" ".join, BEHIND_A_KEY))
@pytest.mark.parametrize("key", ["", "nonsense", "lm_crm_" + "x" * 43, "x" * 5000])
def test_without_a_good_key_nothing_is_answered(same_crm: Crm, method: str, path: str, key: str):
    address = path.replace("{", "").replace("}", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {"Authorization": ""}

    answer = same_crm.client.request(
        method.upper(), address, headers=headers, json=BODIES.get((method, path))
    )

    assert 401 == answer.status_code
    assert "Bearer" == answer.headers["www-authenticate"]
    assert answer.json()["type"].endswith("/problems/unauthorized")


@pytest.mark.parametrize(("method", "path"), BEHIND_A_KEY, ids=map(" ".join, BEHIND_A_KEY))
def test_the_scope_of_a_key_is_held(same_crm: Crm, method: str, path: str):
    address = path.replace("{", "none-").replace("}", "")
    body = BODIES.get((method, path))

    answer = same_crm.call(method.upper(), address, key=same_crm.tenant.crm, json=body)

    if path.startswith(ADMIN):
        assert (403, "forbidden") == (answer.status_code, answer.json()["type"].rpartition("/")[2])
    else:
        assert answer.status_code not in (401, 403)


def test_a_revoked_key_is_refused_at_once(crm: Crm):
    assert 200 == crm.call("GET", "/v1/leads").status_code
    with crm.tenant.service.store.system() as connection:
        ids = connection.exec_driver_sql(
            "SELECT id FROM api_key WHERE workspace_id = %s AND scope = 'admin'", (crm.tenant.id,)
        ).scalars()
        key = ids.one()

    assert revoke_key(crm.tenant.service, key)

    assert 401 == crm.call("GET", "/v1/leads").status_code
    assert 200 == crm.call("GET", "/v1/leads", key=crm.tenant.crm).status_code


def test_a_key_is_kept_as_a_hash_only(crm: Crm):
    with crm.tenant.service.store.system() as connection:
        rows = connection.exec_driver_sql("SELECT api_key::text FROM api_key").scalars().all()

    assert rows
    assert crm.tenant.admin not in str(rows)
    assert crm.tenant.admin.startswith("lm_admin_")


def test_every_route_but_the_pages_is_in_the_document(api_service: Service):
    app = create_app(api_service)

    hidden = {
        route.path
        for route in app.routes
        if isinstance(route, APIRoute) and not route.include_in_schema
    }

    assert not [path for path in hidden if path.startswith("/v1")]
    assert "3.1.0" == app.openapi()["openapi"]
