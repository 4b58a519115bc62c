"""A mailbox that is read by tokens: the jobs renew them, and react when they are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mail.address import Address
from privacy.contents import Grant, MailboxCard
from tests.house import Bell
from tests.letters import letter
from tests.servers.dovecot import Dovecot
from tests.service.oauth.ground import Flow
from worker import grants, jobs
from worker.joining import Joining
from worker.leads import Leads
from worker.revoking import revoke
from worker.shown import LeadGiven

LEAD = "anna@lead.example"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused refresh is asked for again soon."""
    monkeypatch.setattr(grants, "ASKED_AGAIN_AFTER", timedelta(milliseconds=20))


@pytest.fixture
def mailbox(flow: Flow, bell: Bell, dovecot: Dovecot) -> str:
    """An IMAP mailbox that Google's token opens, and a lead's mail in it."""
    person = flow.person()
    name = person.address
    dovecot.user(name)
    with dovecot.client(name):
        pass
    Leads(flow.service, flow.tenant.id, "test").put([LeadGiven("l", "L", (Address(LEAD),), ())])
    dovecot.deliver(name, [letter("m1", LEAD, name)], "INBOX", None)
    granted = person.grant()
    now = datetime.now(UTC)
    grant = Grant(
        "oauth",
        granted["refresh_token"],
        provider="gmail",
        access_token=f"good-{name}",
        expires_at=now + timedelta(hours=1),
        subject=person.sub,
        granted_at=now,
        renewed_at=now,
    )
    card = MailboxCard("7", Address(name), "127.0.0.1", dovecot.port, "plain", name)
    flow.tamper.on_answer = lambda said: said | {"access_token": f"good-{name}"}
    joining = Joining(flow.service, flow.tenant.id, "test")
    joined = joining.connect("imap", card, grant, None, keeps_since=False)
    return str(joined.id)


def put_token(flow: Flow, mailbox: str, token: str) -> None:
    """Let a mailbox hold another access token."""
    flow.reseal(mailbox, {"access_token": token})


def test_mail_is_read_by_a_token(flow: Flow, bell: Bell, mailbox: str):
    flow.run_jobs()

    assert ("live", None) == flow.state(mailbox)
    assert 1 == flow.count("mail")
    assert 0 == flow.tamper.refreshes


def test_a_job_renews_a_token_before_it_begins(flow: Flow, bell: Bell, mailbox: str):
    put_token(flow, mailbox, "over")
    flow.expire_token(mailbox)

    flow.run_jobs()

    assert ("live", None) == flow.state(mailbox)
    assert 1 == flow.count("mail")
    assert 1 == flow.tamper.refreshes


def test_a_token_that_is_refused_before_its_time_is_renewed_once(
    flow: Flow, bell: Bell, mailbox: str
):
    put_token(flow, mailbox, "revoked alone")

    flow.run_jobs()

    assert ("live", None) == flow.state(mailbox)
    assert 1 == flow.count("mail")
    assert 1 == flow.tamper.refreshes
    assert [] == flow.changes("mailbox.reauthorize")


def test_a_mail_server_that_refuses_new_tokens_too_asks_the_person(
    flow: Flow, bell: Bell, mailbox: str
):
    put_token(flow, mailbox, "refused")
    flow.tamper.on_answer = lambda said: said | {"access_token": "refused as well"}

    flow.run_jobs()
    first = flow.state(mailbox)
    flow.alter("UPDATE mailbox SET due_at = now() - interval '1 second'")
    jobs.sync_mailbox(flow.service, int(mailbox))

    # A refusal is believed when fresh tokens are refused as well, twice.
    assert ("failing", "authentication-failed") == first
    assert ("reauthorize", "authentication-failed") == flow.state(mailbox)
    assert 2 == flow.tamper.refreshes
    assert [mailbox] == flow.changes("mailbox.reauthorize")


def test_f17_a_revoked_grant_is_found_by_the_next_job_and_told_once(
    flow: Flow, bell: Bell, mailbox: str
):
    address = str(flow.crm.get(f"/v1/mailboxes/{mailbox}")["address"])
    flow.google.account(address).revoke()
    flow.expire_token(mailbox)

    flow.run_jobs()
    jobs.sync_mailbox(flow.service, int(mailbox))

    assert ("reauthorize", "grant-ended") == flow.state(mailbox)
    assert [mailbox] == flow.changes("mailbox.reauthorize")
    assert 2 == flow.tamper.refreshes


def test_f18_google_that_is_away_ends_nothing_and_is_tried_again(
    flow: Flow, bell: Bell, mailbox: str
):
    flow.expire_token(mailbox)
    flow.tamper.instead = (503, b"", {})

    flow.run_jobs()
    failing, due = flow.state(mailbox), flow.row(mailbox).due_at
    flow.tamper.instead = None
    flow.crm.call("POST", f"/v1/mailboxes/{mailbox}/sync")
    flow.run_jobs()

    assert ("failing", "unreachable") == failing
    assert due is not None
    assert ("live", None) == flow.state(mailbox)


def test_a_watch_is_opened_by_a_fresh_token(flow: Flow, bell: Bell, mailbox: str):
    from worker.connecting import open_watch

    put_token(flow, mailbox, "over")
    flow.expire_token(mailbox)

    watch = open_watch(flow.service, flow.row(mailbox), "INBOX")
    opened = watch.open()
    watch.close()

    assert opened
    assert 1 == flow.tamper.refreshes


def test_an_imap_mailbox_by_oauth_is_revoked_at_its_provider(flow: Flow, bell: Bell, mailbox: str):
    address = str(flow.crm.get(f"/v1/mailboxes/{mailbox}")["address"])
    flow.crm.call("DELETE", f"/v1/mailboxes/{mailbox}")

    said = revoke(flow.service, flow.tenant.id, int(mailbox))

    assert {"ended": ["grant"], "failed": [], "left_to_person": []} == said
    assert not flow.google.account(address).is_granted()


def test_a_grant_says_nothing_when_printed():
    grant = replace(Grant("oauth", "refresh-1"), access_token="access-1", subject="sub-1")

    assert not any(secret in repr(grant) for secret in ("refresh-1", "access-1", "sub-1"))
