"""Outlook by IMAP, for organisations that allow nothing else: the token is Microsoft's."""

from __future__ import annotations

from pathlib import Path

import pytest

from mail.address import Address
from tests.fakes.microsoft.person import Person
from tests.house import Bell
from tests.letters import letter
from tests.servers.dovecot import Dovecot
from tests.service.oauth.ground import Flow, query_of
from tests.service.oauth.sides import GRAPH, Side
from worker.leads import Leads
from worker.shown import LeadGiven

SIDES = (GRAPH,)
LEAD = "anna@lead.example"
WAY = "outlook-imap"


@pytest.fixture(scope="module")
def more_settings(
    side: Side, dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The mail server beside the registration, and whom to trust for both."""
    both = tmp_path_factory.mktemp("authorities") / "ca.pem"
    trusted = (side.environment()["LEADMAIL_CA_FILE"], dovecot.ca_file)
    both.write_text("".join(Path(one).read_text() for one in trusted))
    return {
        "MICROSOFT_IMAP_HOST": f"localhost:{dovecot.tls_port}",
        "LEADMAIL_CA_FILE": str(both),
    }


@pytest.fixture
def person(flow: Flow, bell: Bell, dovecot: Dovecot) -> Person:
    """Somebody whose mailbox the server opens for their own token, with a lead's mail in it."""
    assert not bell.waiting
    person = flow.member()
    receive(dovecot, person.address)
    Leads(flow.service, flow.tenant.id, "test").put([LeadGiven("l", "L", (Address(LEAD),), ())])
    flow.tamper.on_answer = lambda said: said | {"access_token": f"good-{person.address}"}
    return person


def receive(dovecot: Dovecot, name: str) -> None:
    """Make a mailbox with a mail of a lead."""
    dovecot.user(name)
    with dovecot.client(name):
        pass
    dovecot.deliver(name, [letter("m1", LEAD, name)], "INBOX", None)


def begin(flow: Flow, link: str) -> str:
    """Go as far as to Microsoft."""
    answer = flow.choose(link, provider=WAY)
    assert 303 == answer.status_code, answer.text
    return str(answer.headers["location"])


def connect(flow: Flow, person: Person, **wished: str) -> str:
    """Go all the way; return the mailbox's id."""
    return flow.connected(flow.come_back(flow.agree(begin(flow, flow.link(**wished)), person)))


def test_a_mailbox_is_connected_and_read_by_imap(flow: Flow, person: Person):
    asked = query_of(begin(flow, flow.link()))["scope"]
    mailbox = connect(flow, person)

    flow.run_jobs()

    assert {
        "https://outlook.office.com/IMAP.AccessAsUser.All",
        *("openid", "profile", "offline_access"),
    } == set(asked.split())
    shown = flow.crm.get(f"/v1/mailboxes/{mailbox}")
    assert ("imap", person.address, "live") == (
        shown["provider"],
        shown["address"],
        shown["state"],
    )
    assert 1 == flow.count("mail")
    grant = flow.grant(mailbox)
    assert ("oauth", WAY) == (grant.kind, grant.provider)
    assert flow.side.subject_of(person) == grant.subject


def test_its_token_is_renewed_before_a_job_begins(flow: Flow, person: Person):
    mailbox = connect(flow, person)
    flow.reseal(mailbox, {"access_token": "over"})
    flow.expire_token(mailbox)

    flow.run_jobs()

    assert ("live", None) == flow.state(mailbox)
    assert 1 == flow.tamper.refreshes


def test_a_user_name_whose_mailbox_the_token_does_not_open_connects_nothing(
    flow: Flow, person: Person, dovecot: Dovecot
):
    victim = flow.member()
    receive(dovecot, victim.address)
    attacker = flow.microsoft.add_account(f"x{person.address}", username=victim.address)
    flow.tamper.on_answer = lambda said: said | {"access_token": f"good-{person.address}"}

    ended = flow.outcome(flow.come_back(flow.agree(begin(flow, flow.link()), attacker)))

    assert "no-mailbox" == ended
    assert [] == flow.mailboxes()


def test_it_is_connected_again_by_the_same_way(flow: Flow, person: Person):
    mailbox = connect(flow, person, user="7")
    link = flow.link(user="7", address=person.address)

    page = flow.browser.get(link).text
    again = flow.connected(flow.come_back(flow.agree(begin(flow, link), person)))

    assert mailbox == again
    assert 1 == page.count('class="provider')
    assert "Another mail server" not in page


def test_a_disconnection_says_where_consent_is_withdrawn(flow: Flow, person: Person):
    said = flow.disconnect(connect(flow, person))

    assert ([], []) == (said["ended"], said["failed"])
    assert "myapps.microsoft.com" in said["left_to_person"][0]
