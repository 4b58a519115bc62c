"""An Idempotency-Key: a repeated POST happens once, and its answer outlives nothing."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models.queries import answers
from tests.servers.dovecot import Dovecot
from tests.servers.hands import PASSWORD
from tests.service.api.calls import Crm

KEY = {"Idempotency-Key": "call-1"}
ERASE = {"address": "anna@lead.example", "instructed_by": "DPO", "reference": "R-1"}


def erasures(crm: Crm) -> int:
    """Return how many erasures there are."""
    return len(crm.get("/v1/erasures")["items"])


def test_a_repeated_call_gets_the_first_answer_and_does_nothing_again(crm: Crm):
    first = crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)
    again = crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)

    assert (202, first.json()) == (again.status_code, again.json())
    assert "true" == again.headers["idempotent-replayed"]
    assert 1 == erasures(crm)


def test_without_the_key_it_happens_again(crm: Crm):
    for _ in range(2):
        crm.call("POST", "/v1/erasures", json=ERASE)

    assert 2 == erasures(crm)


@pytest.mark.parametrize(
    ("path", "body"),
    [("/v1/erasures", ERASE | {"reference": "R-2"}), ("/v1/revocations", ERASE)],
    ids=["another body", "another path"],
)
def test_the_key_of_another_call_is_refused(crm: Crm, path: str, body: dict[str, Any]):
    crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)

    answer = crm.call("POST", path, json=body, headers=KEY)

    assert (422, "idempotency-key-reused") == (
        answer.status_code,
        answer.json()["type"].rpartition("/")[2],
    )
    assert 1 == erasures(crm)


def test_the_same_key_of_another_client_is_another_call(crm: Crm, other_crm: Crm):
    crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)

    other_crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)

    assert (1, 1) == (erasures(crm), erasures(other_crm))


def test_a_weaker_key_never_sees_the_answer_of_a_stronger(crm: Crm):
    crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)

    answer = crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY, key=crm.tenant.crm)

    assert 403 == answer.status_code


def test_a_call_that_failed_may_be_made_again(crm: Crm):
    erase = {"lead": "crm-1", "instructed_by": "DPO", "reference": "R-1"}
    missing = crm.call("POST", "/v1/erasures", json=erase, headers=KEY)
    crm.put_lead("crm-1", "anna@lead.example")

    found = crm.call("POST", "/v1/erasures", json=erase, headers=KEY)

    assert (404, 202) == (missing.status_code, found.status_code)


def test_of_calls_made_at_once_one_happens(crm: Crm):
    statuses: list[int] = []

    def call() -> None:
        statuses.append(crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY).status_code)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert 8 == len(statuses)
    assert {202} <= set(statuses) <= {202, 409}
    assert 1 == erasures(crm)


def test_a_call_that_has_not_ended_is_not_begun_twice_until_it_is_given_up(crm: Crm):
    tenant = crm.tenant
    crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)
    with tenant.service.store.workspace(tenant.id) as connection:
        connection.execute(text("UPDATE idempotent_answer SET status = NULL, sealed = NULL"))

    meanwhile = crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)
    with tenant.service.store.workspace(tenant.id) as connection:
        connection.execute(
            text("UPDATE idempotent_answer SET created_at = now() - interval '1 hour'")
        )
    afterwards = crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)

    assert (409, "in-progress") == (
        meanwhile.status_code,
        meanwhile.json()["type"].rpartition("/")[2],
    )
    assert 202 == afterwards.status_code


@pytest.mark.parametrize("key", ["", "x" * 256, "é".encode()], ids=["empty", "long", "not ASCII"])
def test_a_key_that_is_none_is_refused(crm: Crm, key: str | bytes):
    answer = crm.call("POST", "/v1/erasures", json=ERASE, headers={"Idempotency-Key": key})

    assert 422 == answer.status_code
    assert ["Idempotency-Key"] == [error["field"] for error in answer.json()["errors"]]


def test_the_answer_about_a_mailbox_dies_with_it(crm: Crm, dovecot: Dovecot):
    name = "once@firm.example"
    dovecot.user(name)
    body = {
        "provider": "imap",
        "user": "u-1",
        "address": name,
        "host": "127.0.0.1",
        "port": dovecot.port,
        "security": "plain",
        "username": name,
        "password": PASSWORD,
    }

    first = crm.call("POST", "/v1/mailboxes", json=body, headers=KEY)
    again = crm.call("POST", "/v1/mailboxes", json=body, headers=KEY)
    crm.call("DELETE", f"/v1/mailboxes/{first.json()['id']}")
    gone = crm.call("POST", "/v1/mailboxes", json=body, headers=KEY)

    assert (201, first.json()) == (again.status_code, again.json())
    assert name not in gone.text
    assert 1 == len(crm.get("/v1/mailboxes")["items"])


def test_answers_are_sealed_and_forgotten(crm: Crm):
    tenant = crm.tenant
    crm.call("POST", "/v1/erasures", json=ERASE, headers=KEY)
    with tenant.service.store.workspace(tenant.id) as connection:
        row = connection.execute(text("SELECT a::text FROM idempotent_answer a")).scalar_one()

    with tenant.service.store.system() as connection:
        kept = answers.forget(connection, timedelta(days=1))
        forgotten = answers.forget(connection, timedelta(0))

    assert "anna" not in row
    assert b"anna".hex() not in row
    assert (0, True) == (kept, forgotten >= 1)
