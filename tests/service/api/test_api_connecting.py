"""A mailbox is connected over the API by a real login, or its caller is told why not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from models.mailbox import State
from models.queries import mailboxes, states
from privacy.contents import open_grant
from tests.servers.dovecot import Dovecot
from tests.servers.hands import PASSWORD
from tests.service.api.calls import Crm
from worker.connecting import open_connector


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
