"""Who must agree: the person, an administrator, or the person with one more proof."""

from __future__ import annotations

import html
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from connectors.errors import ClaimsWanted
from connectors.oauth import GrantEnded
from connectors.oauth.microsoft import Microsoft
from connectors.oauth.microsoft.account import Directory
from tests.service.oauth.ground import RETURN, Flow, query_of
from tests.service.oauth.sides import GRAPH, NUMBERS
from worker import grants
from worker.boot import Service
from worker.doctor import check_microsoft
from worker.grants import fresh_token, renew_refused
from worker.lease import Work, leased
from worker.reaction import reacting

SIDES = (GRAPH,)
CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}'


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused refresh is asked for again soon."""
    monkeypatch.setattr(grants, "ASKED_AGAIN_AFTER", timedelta(milliseconds=20))


@pytest.fixture
def domain(flow: Flow) -> str:
    """An organisation whose people may not agree themselves."""
    name = f"strict{next(NUMBERS)}.example"
    flow.microsoft.add_tenant(name)
    flow.microsoft.consent_needs_admin(name)
    return name


@pytest.mark.parametrize("code", ["90094", "90095"])
def test_what_only_an_administrator_may_allow_is_said_with_the_link_for_them(
    flow: Flow, domain: str, code: str
):
    flow.microsoft.consent_needs_admin(domain, code)
    person = flow.microsoft.add_account(f"anna@{domain}")
    link = flow.link()

    answer = flow.come_back(flow.agree(flow.begin(link), person))
    assert "admin-consent" == flow.outcome(answer)
    page = html.unescape(flow.browser.get(f"{flow.url}{answer.headers['location']}").text)

    assert "An administrator has to agree first" in page
    assert f"{RETURN}?error=admin-consent" in page
    assert [] == flow.mailboxes()
    address = admin_link(page)
    asked = query_of(address)
    assert "/organizations/v2.0/adminconsent" == urlsplit(address).path
    assert (flow.side.client_id, f"{flow.url}/oauth/callback") == (
        asked["client_id"],
        asked["redirect_uri"],
    )


def admin_link(page: str) -> str:
    """Return the link for the administrator that a page shows."""
    return page.partition("<textarea")[2].partition(">")[2].partition("<")[0]


def test_once_the_administrator_agreed_the_person_can_connect(flow: Flow, domain: str):
    person = flow.microsoft.add_account(f"anna@{domain}")
    admin = flow.microsoft.add_account(f"root@{domain}", is_admin=True)
    link = flow.link()
    answer = flow.come_back(flow.agree(flow.begin(link), person))
    page = html.unescape(flow.browser.get(f"{flow.url}{answer.headers['location']}").text)
    theirs = flow.another()

    back = flow.agree(admin_link(page), admin, browser=theirs)
    told = theirs.get(f"{flow.url}{theirs.get(back).headers['location']}")

    assert "The organisation has agreed" in told.text
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


def test_an_administrator_who_says_no_is_told_so(flow: Flow, domain: str):
    url = flow.service.providers["graph"].consent_url(f"{flow.url}/oauth/callback")
    flow.stand_in.consent_denied()
    theirs = flow.another()

    back = theirs.get(url).headers["location"]
    told = theirs.get(f"{flow.url}{theirs.get(back).headers['location']}")

    assert "The organisation has not agreed" in told.text


def test_an_administrators_way_back_that_was_forged_changes_nothing(flow: Flow):
    forged = f"{flow.url}/oauth/callback?admin_consent=True&tenant=x&state=admin-consent&code=y"

    answer = flow.browser.get(forged)

    assert "/oauth/ended/admin-agreed" == answer.headers["location"]
    assert [] == flow.mailboxes()
    assert [] == flow.tamper.forms


@pytest.mark.parametrize(
    ("code", "error"), [(50076, "invalid_grant"), (50079, "interaction_required")]
)
def test_f17_a_second_factor_asks_the_person_and_is_handed_on(flow: Flow, code: int, error: str):
    person = flow.member()
    mailbox = flow.connect(person)
    person.require(code, error)
    flow.expire_token(mailbox)

    with pytest.raises(GrantEnded):
        fresh_token(flow.service, flow.row(mailbox))

    assert ("reauthorize", "interaction-required") == flow.state(mailbox)
    assert [mailbox] == flow.changes("mailbox.reauthorize")
    problem = flow.crm.get(f"/v1/mailboxes/{mailbox}")["problem"]
    assert "Connect the mailbox again" in problem["action"]
    url = flow.begin(flow.link(user="7", address=person.address))
    wanted = json.loads(query_of(url)["claims"])["access_token"]
    assert {"capolids", "xms_cc"} == set(wanted)
    assert mailbox == flow.connected(flow.come_back(flow.agree(url, person)))
    assert "" == flow.grant(mailbox).claims


def test_f17_a_consent_that_was_taken_back_asks_the_person(flow: Flow):
    person = flow.member()
    mailbox = flow.connect(person)
    person.withdraw_consent()
    flow.expire_token(mailbox)

    with pytest.raises(GrantEnded):
        fresh_token(flow.service, flow.row(mailbox))

    assert ("reauthorize", "grant-ended") == flow.state(mailbox)
    assert 1 == flow.count("mailbox_grant")


def test_a_changed_password_ends_nothing(flow: Flow):
    person = flow.member()
    mailbox = flow.connect(person)
    person.change_password()
    flow.expire_token(mailbox)

    assert fresh_token(flow.service, flow.row(mailbox)) == flow.grant(mailbox).access_token


def test_f18_refresh_tokens_rotate_and_the_newest_is_kept(flow: Flow):
    mailbox = flow.connect(flow.member())
    kept = [flow.grant(mailbox).secret]
    for _ in range(3):
        flow.expire_token(mailbox)
        fresh_token(flow.service, flow.row(mailbox))
        kept.append(flow.grant(mailbox).secret)

    sent = [one["refresh_token"] for one in flow.tamper.forms if "refresh_token" in one]

    assert 4 == len(set(kept))
    assert kept[:3] == sent


def test_a_claims_challenge_is_handed_to_the_next_token(flow: Flow):
    mailbox = flow.connect(flow.member())

    assert renew_refused(flow.service, flow.row(mailbox), CHALLENGE)

    asked = json.loads(flow.tamper.forms[-1]["claims"])["access_token"]
    assert {"nbf", "xms_cc"} == set(asked)
    assert ["cp1"] == asked["xms_cc"]["values"]


def challenged(flow: Flow, mailbox: str) -> None:
    """Let a job meet a claims challenge."""
    row = flow.row(mailbox)
    with leased(
        flow.service.store, flow.tenant.id, row.id, Work.SYNC, flow.service.settings.lease
    ) as lease:
        assert lease is not None
        with reacting(flow.service, row, lease):
            raise ClaimsWanted(CHALLENGE)


def test_a_challenge_that_no_token_satisfies_is_kept_for_the_person(flow: Flow):
    person = flow.member()
    mailbox = flow.connect(person)
    states = []
    for _ in range(3):
        challenged(flow, mailbox)
        states.append(flow.state(mailbox))

    url = flow.begin(flow.link(user="7", address=person.address))

    assert [
        ("connecting", None),
        ("failing", "interaction-required"),
        ("reauthorize", "interaction-required"),
    ] == states
    assert "nbf" in json.loads(query_of(url)["claims"])["access_token"]
    assert mailbox == flow.connected(flow.come_back(flow.agree(url, person)))


def test_a_challenge_while_connecting_asks_for_one_more_proof(flow: Flow):
    person = flow.member()
    person.challenge(needs_person=True)

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(), person)))

    assert "interaction-required" == ended
    assert [] == flow.mailboxes()


def test_a_narrowed_consent_names_what_is_missing(flow: Flow):
    answer = flow.come_back(flow.agree(flow.begin(), flow.member(), scope=flow.side.least))

    assert "narrowed" == flow.outcome(answer)
    page = flow.browser.get(f"{flow.url}{answer.headers['location']}").text
    assert "reading mails (Mail.Read)" in page
    assert "User.Read" not in page


def test_many_who_refresh_at_once_get_their_own_tokens_each(flow: Flow):
    provider = flow.service.providers["graph"]
    assert isinstance(provider, Microsoft)
    people = [flow.member() for _ in range(12)]
    held = [one.grant(f"{flow.side.least} Mail.Read")["refresh_token"] for one in people]

    with ThreadPoolExecutor(12) as pool:
        tokens = list(pool.map(provider.refresh, held * 3))

    directory = Directory(flow.service.settings.graph_api_url, provider.wire)
    assert [one.address for one in people] * 3 == [
        directory.address_of(tokens[position].access_token, people[position % 12].oid)
        for position in range(36)
    ]


def test_a_disconnection_says_what_is_left_to_the_person(flow: Flow):
    mine = flow.connect(flow.member())
    personal = flow.connect(flow.member("outlook.com"), user="8")

    said = [flow.disconnect(one) for one in (mine, personal)]

    assert "myapps.microsoft.com" in said[0]["left_to_person"][0]
    assert "account.live.com" in said[1]["left_to_person"][0]
    assert [[], []] == [one["failed"] for one in said]
    assert 0 == flow.count("mailbox_grant")


def test_the_page_says_where_consent_is_withdrawn_before_anything_is_erased(flow: Flow):
    mailbox = flow.connect(flow.member())
    flow.browser.get(f"{flow.url}{flow.sign_in_link()}")

    page = flow.browser.get(f"{flow.url}/console/mailboxes/{mailbox}/disconnect").text

    assert "only you can withdraw" in page
    assert "https://myapps.microsoft.com" in page
    assert "https://account.live.com/consent/Manage" in page


def test_the_doctor_sees_whether_the_registration_works(flow: Flow):
    settings = flow.service.settings
    half = settings.model_copy(update={"microsoft_client_id": ""})
    lost = settings.model_copy(update={"microsoft_authority": "https://127.0.0.1:9/common"})
    unknown = f"{flow.stand_in.url}/nobody.example"
    stray = settings.model_copy(update={"microsoft_authority": unknown})

    well, *found = (
        [one.problem for one in check_microsoft(Service(each))]
        for each in (settings, half, lost, stray)
    )

    # Here the public address is on loopback, which Graph can't ring at.
    assert ["Graph rings at https only: mailboxes are polled"] == well
    assert "only one of" in found[0][0]
    assert "Unreachable" in found[1][0]
    assert "ClientRefused" in found[2][0]
