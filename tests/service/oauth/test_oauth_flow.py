"""A person presses "Connect", agrees at Google, and the mailbox is there."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta

import pytest

from tests.service.oauth.ground import RETURN, Flow, query_of
from tests.service.oauth.sides import READ


def test_a_person_agrees_and_the_mailbox_is_connected(flow: Flow):
    person = flow.person()

    mailbox = flow.connect(person, user="u-7")

    shown = flow.crm.get(f"/v1/mailboxes/{mailbox}")
    grant = flow.grant(mailbox)
    assert ("u-7", "gmail", person.address, "connecting", None) == (
        shown["user"],
        shown["provider"],
        shown["address"],
        shown["state"],
        shown["problem"],
    )
    assert ("oauth", person.sub, "https://accounts.google.com") == (
        grant.kind,
        grant.subject,
        grant.issuer,
    )
    assert {"openid", "email", READ} == set(grant.scopes)
    assert grant.expires_at is not None
    assert grant.expires_at > datetime.now(UTC) + timedelta(minutes=50)
    assert grant.secret
    assert grant.access_token
    assert [mailbox] == flow.changes("mailbox.connected")


def test_only_what_is_needed_is_asked_for(flow: Flow):
    asked = query_of(flow.begin())

    assert {"openid", "email", READ} == set(asked["scope"].split())
    assert ("code", "S256", "offline", "false") == (
        asked["response_type"],
        asked["code_challenge_method"],
        asked["access_type"],
        asked["include_granted_scopes"],
    )
    assert {"consent", "select_account"} == set(asked["prompt"].split())
    assert 43 <= len(asked["code_challenge"]) <= 128
    assert min(len(asked["state"]), len(asked["nonce"])) >= 32
    assert "login_hint" not in asked
    assert f"{flow.url}/oauth/callback" == asked["redirect_uri"]


def test_the_wished_address_is_hinted_to_google(flow: Flow):
    person = flow.person()

    asked = query_of(flow.begin(flow.link(address=person.address.upper())))

    assert (person.address, "consent") == (asked["login_hint"], asked["prompt"])


def test_the_page_says_what_is_read_where_it_is_stored_and_how_it_ends(flow: Flow):
    page = flow.browser.get(flow.link(user="u <7>"))

    text = html.unescape(page.text)
    assert 200 == page.status_code
    assert "only mails to and from leads" in text
    assert "European Union" in text
    assert "disconnect the mailbox" in text
    assert "Continue with Google" in text
    assert "Another mail server (IMAP)" in text
    assert "Example Ltd" in text
    assert "u &lt;7&gt;" in page.text
    assert "Microsoft" not in text


@pytest.mark.parametrize(
    ("wished", "shown"),
    [("gmail", (True, False)), ("imap", (False, True)), (None, (True, True))],
)
def test_the_crm_may_choose_the_provider(flow: Flow, wished: str | None, shown: tuple[bool, bool]):
    more = {} if wished is None else {"provider": wished}

    page = flow.browser.get(flow.link(**more)).text

    assert shown == ("Continue with Google" in page, "Another mail server" in page)


@pytest.mark.parametrize(
    ("chosen", "days"), [("30", 30), ("90", 90), ("365", 365), ("all", None), ("nonsense", 90)]
)
def test_the_person_chooses_how_far_back(flow: Flow, chosen: str, days: int | None):
    person = flow.person()
    url = flow.choose(flow.link(), since=chosen).headers["location"]

    mailbox = flow.connected(flow.come_back(flow.agree(url, person)))

    since = flow.row(mailbox).since
    if days is None:
        assert since is None
    else:
        assert abs(datetime.now(UTC) - timedelta(days=days) - since) < timedelta(minutes=1)


def test_what_the_crm_proposes_is_taken_unless_the_person_chooses_otherwise(flow: Flow):
    wished = "2025-03-01T00:00:00Z"
    person = flow.person()

    url = flow.choose(flow.link(since=wished), since="proposed").headers["location"]
    mailbox = flow.connected(flow.come_back(flow.agree(url, person)))

    assert datetime(2025, 3, 1, tzinfo=UTC) == flow.row(mailbox).since


def test_a_link_is_good_for_one_mailbox(flow: Flow):
    link = flow.link()
    flow.connected(flow.come_back(flow.agree(flow.begin(link), flow.person())))

    page = flow.browser.get(link)

    assert 404 == page.status_code
    assert "Begin again from your CRM" in page.text


def test_a_link_ends_within_the_hour(flow: Flow):
    answer = flow.crm.call("POST", "/v1/connect", json={"user": "7", "return_url": RETURN})
    ends = datetime.fromisoformat(answer.json()["expires_at"])
    flow.alter("UPDATE connect_link SET expires_at = now() - interval '1 second'")

    page = flow.browser.get(answer.json()["connect_url"])

    assert timedelta(0) < ends - datetime.now(UTC) <= timedelta(hours=1)
    assert 404 == page.status_code


def test_a_mailbox_by_form_is_connected_and_the_browser_returns(flow: Flow, dovecot):
    from tests.servers.hands import PASSWORD

    name = "form@firm.example"
    dovecot.user(name)
    with dovecot.client(name):
        pass
    typed = {"address": name, "host": "127.0.0.1", "port": str(dovecot.port), "security": "plain"}
    link = flow.link()

    wrong = flow.choose(link, provider="imap", username=name, password="geheim-1", **typed)
    right = flow.choose(link, provider="imap", username=name, password=PASSWORD, **typed)

    assert 422 == wrong.status_code
    assert "refuses the user name or the password" in wrong.text
    assert "geheim-1" not in wrong.text
    assert name in wrong.text
    mailbox = flow.connected(right)
    assert "imap" == flow.crm.get(f"/v1/mailboxes/{mailbox}")["provider"]
    assert "password" == flow.grant(mailbox).kind


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""),
        ("port", "0"),
        ("port", "99999"),
        ("port", "x"),
        ("security", "none"),
        ("username", ""),
        ("password", ""),
        ("address", "nobody"),
        ("host", "169.254.169.254"),
    ],
)
def test_a_wrong_field_of_the_form_is_named_and_nothing_is_kept(flow: Flow, field: str, value: str):
    fields = {
        "provider": "imap",
        "address": "a@firm.example",
        "host": "127.0.0.1",
        "port": "993",
        "security": "tls",
        "username": "a",
        "password": "secret-2",
    }

    page = flow.choose(flow.link(), **(fields | {field: value}))

    assert 422 == page.status_code
    assert 'role="alert"' in page.text
    assert "secret-2" not in page.text
    assert [] == flow.mailboxes()


def test_a_denied_consent_says_so_and_leaves_the_link(flow: Flow):
    link = flow.link()
    url = flow.begin(link)
    flow.google.consent_denied()
    back = flow.browser.get(url).headers["location"]

    answer = flow.come_back(back)

    assert "denied" == flow.outcome(answer)
    page = flow.browser.get(f"{flow.url}{answer.headers['location']}").text
    assert "Try again" in page
    assert html.escape(f"{RETURN}?error=denied") in page
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), flow.person())))


def test_a_narrowed_consent_names_what_is_missing(flow: Flow):
    back = flow.agree(flow.begin(), flow.person(), scope="openid email")

    answer = flow.come_back(back)

    assert "narrowed" == flow.outcome(answer)
    page = flow.browser.get(f"{flow.url}{answer.headers['location']}").text
    assert "reading mails (gmail.readonly)" in page
    assert "who you are" not in page
    assert [] == flow.mailboxes()
