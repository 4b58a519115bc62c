"""The order of things: a purge is durable before its change, and nobody waits in a circle."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text

from models.queries import leads, mailboxes, policies
from tests.builders import Letter
from tests.service.api.calls import Crm
from worker.consequences import Consequences

ANNA, BEN = "anna@lead.example", "ben@firm.example"
ROUNDS = 40


class Undone(Exception):
    """The process died before its commit."""


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "died before its commit"])
def test_a_purge_waits_for_its_change_and_does_nothing_if_that_is_undone(
    crm: Crm, *, commits: bool
):
    tenant, service = crm.tenant, crm.tenant.service
    mailbox = tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    message = tenant.mail(mailbox, Letter(ANNA, [BEN]))
    consequences = Consequences(service, tenant.id, "the test")
    service.redis.flushall()

    def purge() -> None:
        service.purge.run(consequences.orders[0])

    purging = threading.Thread(target=purge)
    try:
        with service.store.workspace(tenant.id) as connection:
            leads.hold_policy(connection, tenant.id)
            [row] = leads.address_page(connection, None, 0, 10)
            leads.remove_addresses(connection, [row.id])
            consequences.purge({row.hash}, "an address was taken away")
            purging.start()
            purging.join(0.7)
            was_waiting = purging.is_alive()
            if not commits:
                raise Undone
    except Undone:
        pass
    purging.join(20)

    assert was_waiting
    assert not purging.is_alive()
    erasure = crm.get(f"/v1/erasures/{consequences.orders[0]}")
    assert ("verified", int(commits)) == (erasure["state"], erasure["removed"].get("mail", 0))
    expected = 404 if commits else 200
    assert expected == crm.call("GET", f"/v1/messages/{message}").status_code


def test_leads_change_while_syncs_hold_their_mailboxes_and_nobody_waits_in_a_circle(crm: Crm):
    tenant, service = crm.tenant, crm.tenant.service
    ids = [tenant.mailbox(f"m{n}@firm.example", f"u{n}") for n in range(3)]
    is_over = threading.Event()
    failures: list[str] = []

    def write(mailbox: int) -> None:
        # What a sync does: its mailbox first, then the policy.
        while not is_over.is_set():
            try:
                with service.store.workspace(tenant.id) as connection:
                    mailboxes.hold_live(connection, mailbox, 1)
                    time.sleep(0.002)
                    policies.version(connection, tenant.id, hold=True)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is a failure
                failures.append(type(error).__name__)

    writers = [threading.Thread(target=write, args=(id_,)) for id_ in ids]
    for writer in writers:
        writer.start()
    answers = [
        crm.call("PUT", "/v1/leads/crm-1", json={"addresses": [f"a{n}@lead.example"]}).status_code
        for n in range(ROUNDS)
    ]
    is_over.set()
    for writer in writers:
        writer.join(20)

    assert [200] * ROUNDS == answers
    assert [] == failures


def test_holding_the_policy_and_then_mailboxes_would_be_a_circle(crm: Crm):
    """The control arm of the test above: the other order does deadlock."""
    tenant, service = crm.tenant, crm.tenant.service
    mailbox = tenant.mailbox(BEN)
    has_mailbox, has_policy = threading.Event(), threading.Event()
    failures: list[str] = []

    def write() -> None:
        try:
            with service.store.workspace(tenant.id) as connection:
                mailboxes.hold_live(connection, mailbox, 1)
                has_mailbox.set()
                has_policy.wait(10)
                policies.version(connection, tenant.id, hold=True)
        except Exception as error:  # noqa: BLE001  # the deadlock may end either of the two
            failures.append(str(error))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with service.store.workspace(tenant.id) as connection:
            has_mailbox.wait(10)
            leads.hold_policy(connection, tenant.id)
            has_policy.set()
            mailboxes.ring_workspace(connection)
    except Exception as error:  # noqa: BLE001  # as above
        failures.append(str(error))
    writer.join(20)

    assert 1 == len(failures)
    assert "deadlock detected" in failures[0]


def test_many_that_put_one_lead_at_once_leave_one_lead(crm: Crm):
    statuses: list[int] = []

    def put(number: int) -> None:
        body = {"name": f"N{number}", "addresses": [f"a{number}@lead.example"]}
        statuses.append(crm.call("PUT", "/v1/leads/crm-1", json=body).status_code)

    threads = [threading.Thread(target=put, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [200] * 8 == statuses
    [lead] = crm.get("/v1/leads")["items"]
    assert [lead["name"].replace("N", "a") + "@lead.example"] == lead["addresses"]


def test_a_lead_that_is_put_while_it_is_deleted_is_whole_or_gone(crm: Crm):
    statuses: list[int] = []

    def put() -> None:
        body = {"addresses": [ANNA, f"{time.monotonic_ns()}@lead.example"]}
        statuses.append(crm.call("PUT", "/v1/leads/crm-1", json=body).status_code)

    def delete() -> None:
        statuses.append(crm.call("DELETE", "/v1/leads/crm-1").status_code)

    for _ in range(5):
        threads = [threading.Thread(target=one) for one in (put, delete, put, delete)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert set(statuses) <= {200, 202, 404}
    for lead in crm.get("/v1/leads")["items"]:
        assert 2 == len(lead["addresses"])
    with crm.tenant.service.store.workspace(crm.tenant.id) as connection:
        orphans = text(
            "SELECT count(*) FROM lead_address WHERE lead_id NOT IN (SELECT id FROM lead)"
        )
        assert 0 == connection.scalar(orphans)
