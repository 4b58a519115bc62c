"""Connecting again repairs a mailbox for the same person, and for nobody else (F17, F19)."""

from __future__ import annotations

import httpx
import pytest

from models.queries import grants
from tests.service.oauth.ground import RETURN, Flow, form_token
from tests.service.oauth.sides import GMAIL, GRAPH, Person
from worker.grants import end, fresh_token

SIDES = (GMAIL, GRAPH)


def end_grant(flow: Flow, mailbox: str) -> None:
    """Let a mailbox's grant have ended."""
    version = flow.held(mailbox)[0].version
    assert end(flow.service, flow.tenant.id, int(mailbox), version)


def go(flow: Flow, person: Person, link: str) -> httpx.Response:
    """Go to the provider and back."""
    return flow.come_back(flow.agree(flow.begin(link), person))


def plant_history(flow: Flow, mailbox: str) -> None:
    """Let a mailbox have a folder with a cursor, and have been synced."""
    flow.alter(
        "INSERT INTO folder (workspace_id, mailbox_id, generation, hash, sealed, role, selected,"
        " cursor, searched_version) VALUES (:w, :m, 1, 'h', 's', 'inbox', true, '7:41', 1)",
        w=flow.tenant.id,
        m=int(mailbox),
    )
    flow.alter("UPDATE mailbox SET last_synced_at = now() WHERE id = :m", m=int(mailbox))


def test_f19_the_same_person_keeps_mailbox_cursor_and_history(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person, user="7")
    plant_history(flow, mailbox)
    end_grant(flow, mailbox)
    before, since = flow.grant(mailbox), flow.row(mailbox).since

    link = flow.link(user="7", address=person.address)
    again = flow.connected(go(flow, person, link))

    after = flow.grant(mailbox)
    assert mailbox == again
    assert ("live", None) == flow.state(mailbox)
    assert since == flow.row(mailbox).since
    assert 1 == flow.count("folder", "cursor = '7:41'")
    assert before.secret != after.secret
    assert fresh_token(flow.service, flow.row(mailbox)) == after.access_token
    assert 2 == len(flow.changes("mailbox.connected"))


def test_f19_without_a_named_address_the_same_person_keeps_the_mailbox_too(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person, user="7")

    assert mailbox == flow.connect(person, user="7")
    assert 1 == len(flow.mailboxes())


def test_f19_another_persons_account_is_refused(flow: Flow):
    person, another = flow.person(), flow.person()
    mailbox = flow.connect(person, user="7")
    end_grant(flow, mailbox)
    before = flow.held(mailbox)
    link = flow.link(user="7", address=person.address)

    ended = flow.outcome(go(flow, another, link))

    assert "other-account" == ended
    assert before == flow.held(mailbox)
    assert ("reauthorize", "grant-ended") == flow.state(mailbox)
    assert [mailbox] == [box["id"] for box in flow.mailboxes()]
    # The control: by the same link, the right person.
    assert mailbox == flow.connected(go(flow, person, link))


def test_f19_the_address_in_somebody_elses_hands_is_refused(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person, user="7")
    before = flow.held(mailbox)
    account = flow.side.account(person)
    was = account.lasting_id
    setattr(account, flow.side.lasting, flow.side.stranger)

    named = flow.outcome(go(flow, person, flow.link(user="7", address=person.address)))
    unnamed = flow.outcome(go(flow, person, flow.link(user="7")))
    setattr(account, flow.side.lasting, was)

    assert ("other-account", "other-account") == (named, unnamed)
    assert before == flow.held(mailbox)
    assert 1 == len(flow.mailboxes())
    assert mailbox == flow.connected(go(flow, person, flow.link(user="7")))


def test_f19_the_account_under_another_address_is_refused_for_a_named_mailbox(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person, user="7")
    link = flow.link(user="7", address=person.address)
    account = flow.side.account(person)
    account.address = f"renamed-{person.address}"

    renamed = flow.stand_in.account(account.lasting_id)
    assert "other-account" == flow.outcome(go(flow, renamed, link))
    assert [mailbox] == [box["id"] for box in flow.mailboxes()]


def test_an_expected_address_is_refused_to_others_before_there_is_a_mailbox(flow: Flow):
    person, another = flow.person(), flow.person()
    link = flow.link(address=person.address)

    assert "other-account" == flow.outcome(go(flow, another, link))
    assert [] == flow.mailboxes()
    assert flow.connected(go(flow, person, link))


def test_two_users_may_share_an_account_and_have_a_mailbox_each(flow: Flow):
    person = flow.person()

    assert flow.connect(person, user="7") != flow.connect(person, user="8")


def test_a_mailbox_of_another_provider_is_not_taken_over(flow: Flow):
    person = flow.person()
    mailbox = flow.tenant.mailbox(person.address, "7")
    named = {"user": "7", "return_url": RETURN, "address": person.address}
    named["provider"] = flow.side.provider

    refused = flow.crm.call("POST", "/v1/connect", json=named)
    ended = flow.outcome(go(flow, person, flow.link(user="7")))

    assert 409 == refused.status_code
    assert refused.json()["type"].endswith("/problems/connected-otherwise")
    assert "other-way" == ended
    assert [str(mailbox)] == [box["id"] for box in flow.mailboxes()]


def test_a_mailbox_is_not_taken_over_by_imap(flow: Flow, dovecot):
    from tests.servers.hands import PASSWORD

    person = flow.person()
    flow.connect(person, user="7")
    dovecot.user(person.address)
    body = {
        "provider": "imap",
        "user": "7",
        "address": person.address,
        "host": "127.0.0.1",
        "port": dovecot.port,
        "security": "plain",
        "username": person.address,
        "password": PASSWORD,
    }

    answer = flow.crm.call("POST", "/v1/mailboxes", json=body)

    assert 409 == answer.status_code
    assert "connected-otherwise" in answer.json()["type"]
    assert [flow.side.provider] == [box["provider"] for box in flow.mailboxes()]


def test_f17_one_click_at_the_console_repairs_a_mailbox(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person, user="7")
    end_grant(flow, mailbox)
    browser = flow.browser
    browser.base_url = httpx.URL(flow.url)
    page = browser.get(flow.sign_in_link()).headers["location"]
    start = browser.get(page).text

    assert "Connect again" in start
    clicked = browser.post(
        f"/console/mailboxes/{mailbox}/reconnect", data={"form_token": form_token(start)}
    )
    assert 303 == clicked.status_code
    url = flow.begin(f"{flow.url}{clicked.headers['location']}")
    answer = flow.come_back(flow.agree(url, person))

    assert "/" == answer.headers["location"]
    assert ("connecting", None) == flow.state(mailbox)
    assert "Connect again" not in browser.get("/").text


def test_a_reconnect_form_of_another_site_does_nothing(flow: Flow):
    mailbox = flow.connect(flow.person())
    flow.browser.get(f"{flow.url}{flow.sign_in_link()}")

    answer = flow.browser.post(
        f"{flow.url}/console/mailboxes/{mailbox}/reconnect", data={"form_token": "x"}
    )

    assert 403 == answer.status_code
    assert 0 == flow.count("connect_link")


@pytest.mark.parametrize("stale", [True, False])
def test_an_end_that_comes_late_does_not_undo_a_repair(flow: Flow, stale: bool):
    mailbox = flow.connect(flow.person())
    version = flow.held(mailbox)[0].version

    ended = end(flow.service, flow.tenant.id, int(mailbox), version - 1 if stale else version)

    assert ended is not stale
    assert (None if stale else "grant-ended") == flow.state(mailbox)[1]


def test_links_and_attempts_die_with_their_mailbox_and_by_time(flow: Flow):
    from worker.clock import tidy

    person = flow.person()
    mailbox = flow.connect(person, user="7")
    flow.begin(flow.link(user="7", address=person.address))
    flow.begin(flow.link(user="8"))
    counts = (flow.count("connect_link"), flow.count("connect_attempt"))

    order = flow.crm.call("DELETE", f"/v1/mailboxes/{mailbox}").json()["erasure"]
    assert flow.service.purge.run(int(order))
    left = (flow.count("connect_link"), flow.count("connect_attempt", "answered_at IS NULL"))
    flow.alter("UPDATE connect_link SET expires_at = now() - interval '1 s'")
    flow.alter("UPDATE connect_attempt SET expires_at = now() - interval '1 s'")
    tidy(flow.service)

    assert (2, 3) == counts
    assert (1, 1) == left
    assert (0, 0) == (flow.count("connect_link"), flow.count("connect_attempt"))
    with flow.service.store.workspace(flow.tenant.id) as connection:
        assert grants.read(connection, int(mailbox)) is None
