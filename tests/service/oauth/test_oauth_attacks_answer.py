"""Answers that somebody else made, kept, changed or sent: none is accepted, none costs anything.

Each case is followed by its control: the same way, untampered, is accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from tests.service.oauth.ground import Flow, changed, query_of
from tests.service.oauth.sides import GMAIL, GRAPH

SIDES = (GMAIL, GRAPH)
Change = Callable[[str], str]


def with_again(name: str, value: str = "x") -> Change:
    """Return a change that adds a parameter a second time."""
    return lambda url: f"{url}&{name}={value}"


def state_of(url: str) -> str:
    return query_of(url)["state"]


CHANGED: dict[str, tuple[Change, str]] = {
    "state missing": (lambda url: changed(url, state=None), "forged"),
    "state empty": (lambda url: changed(url, state=""), "forged"),
    "state of nobody": (lambda url: changed(url, state="A" * 43), "forged"),
    "state with another letter": (
        lambda url: changed(
            url, state=("B" if state_of(url)[0] != "B" else "C") + state_of(url)[1:]
        ),
        "forged",
    ),
    "state cut short": (lambda url: changed(url, state=state_of(url)[:-1]), "forged"),
    "state prolonged": (lambda url: changed(url, state=state_of(url) + "="), "forged"),
    "state beyond all bounds": (lambda url: changed(url, state="A" * 5000), "forged"),
    "state not ASCII": (lambda url: changed(url, state=state_of(url) + "ä"), "forged"),
    "state with a zero byte": (lambda url: changed(url, state=state_of(url) + "\0"), "forged"),
    "state twice": (lambda url: with_again("state", state_of(url))(url), "forged"),
    "code twice": (with_again("code"), "forged"),
    "iss twice": (with_again("iss", "https://accounts.google.com"), "forged"),
    "any parameter twice": (lambda url: f"{url}&other=x&other=x", "forged"),
    "iss empty": (lambda url: changed(url, iss=""), "forged"),
    "iss of another provider (mix-up)": (
        lambda url: changed(url, iss="https://login.evil.example/common/v2.0"),
        "forged",
    ),
    "iss that looks like it": (
        lambda url: changed(url, iss="https://accounts.google.com.evil.example"),
        "forged",
    ),
    "iss with a slash more": (
        lambda url: changed(url, iss="https://accounts.google.com/"),
        "forged",
    ),
    "iss in another case": (lambda url: changed(url, iss="https://ACCOUNTS.google.com"), "forged"),
    "iss without TLS": (lambda url: changed(url, iss="http://accounts.google.com"), "forged"),
    "a code and an error": (lambda url: changed(url, error="access_denied"), "forged"),
    "neither code nor error": (lambda url: changed(url, code=None), "forged"),
    "a code beyond all bounds": (lambda url: changed(url, code="4/" + "A" * 5000), "forged"),
}


@pytest.mark.parametrize("attack", CHANGED)
def test_a_changed_answer_is_refused_and_the_true_one_still_counts(flow: Flow, attack: str):
    change, expected = CHANGED[attack]
    person = flow.person()
    back = flow.agree(flow.begin(), person)

    ended = flow.outcome(flow.come_back(change(back)))
    held = flow.mailboxes()
    codes = [form for form in flow.tamper.forms if form["grant_type"] == "authorization_code"]

    assert expected == ended
    assert [] == held
    assert [] == codes
    # The control: the state wasn't used up.
    assert flow.connected(flow.come_back(back))


@pytest.mark.over(GMAIL)
def test_an_answer_without_its_issuer_is_refused_where_one_is_promised(flow: Flow):
    back = flow.agree(flow.begin(), flow.person())

    assert "forged" == flow.outcome(flow.come_back(changed(back, iss=None)))
    assert flow.connected(flow.come_back(back))


WRONG_CODES: dict[str, str] = {
    "code of nobody": "4/0AStolen",
    "code empty": "",
}


@pytest.mark.parametrize("attack", WRONG_CODES)
def test_a_wrong_code_is_refused_by_the_provider_and_the_link_stays_good(flow: Flow, attack: str):
    link, person = flow.link(), flow.person()
    back = flow.agree(flow.begin(link), person)

    ended = flow.outcome(flow.come_back(changed(back, code=WRONG_CODES[attack])))

    assert ended == "code-refused"
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


def test_an_answer_is_good_once(flow: Flow):
    back = flow.agree(flow.begin(), flow.person())
    first = flow.connected(flow.come_back(back))

    again = flow.outcome(flow.come_back(back))
    with_new_code = changed(back, code=query_of(flow.agree(flow.begin(), flow.person()))["code"])

    assert "repeated" == again
    assert "repeated" == flow.outcome(flow.come_back(with_new_code))
    assert [first] == [box["id"] for box in flow.mailboxes()]


def test_an_answer_after_a_denial_is_refused(flow: Flow):
    url = flow.begin()
    flow.stand_in.consent_denied()
    denied = flow.browser.get(url).headers["location"]
    flow.come_back(denied)
    code = query_of(flow.agree(url, flow.person()))["code"]

    answer = flow.come_back(changed(denied, error=None, code=code))

    assert "repeated" == flow.outcome(answer)
    assert [] == flow.mailboxes()


def test_an_answer_that_comes_too_late_is_refused(flow: Flow):
    link, person = flow.link(), flow.person()
    back = flow.agree(flow.begin(link), person)
    flow.alter("UPDATE connect_attempt SET expires_at = expires_at - interval '10 minutes'")

    answer = flow.come_back(back)

    assert "stale" == flow.outcome(answer)
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


def no_cookie(flow: Flow, _back: str) -> httpx.Client:
    return flow.another()


def own_cookie(flow: Flow, _back: str) -> httpx.Client:
    other = flow.another()
    flow.begin(flow.link(user="attacker"), other)
    return other


def changed_cookie(flow: Flow, _back: str) -> httpx.Client:
    other = flow.another()
    ((name, value),) = flow.browser.cookies.items()
    other.cookies.set(name, value[:-1] + ("A" if value[-1] != "A" else "B"), domain="127.0.0.1")
    return other


def empty_cookie(flow: Flow, _back: str) -> httpx.Client:
    other = flow.another()
    ((name, _),) = flow.browser.cookies.items()
    other.cookies.set(name, "", domain="127.0.0.1")
    return other


def cookie_of_the_first_page(flow: Flow, _back: str) -> httpx.Client:
    other = flow.another()
    other.get(flow.link())
    return other


BROWSERS = [no_cookie, own_cookie, changed_cookie, empty_cookie, cookie_of_the_first_page]


@pytest.mark.parametrize("attack", BROWSERS, ids=lambda one: one.__name__)
def test_an_answer_in_another_browser_is_refused(
    flow: Flow, attack: Callable[[Flow, str], httpx.Client]
):
    back = flow.agree(flow.begin(), flow.person())
    other = attack(flow, back)

    ended = flow.outcome(flow.come_back(back, other), other)

    assert "other-browser" == ended
    assert [] == flow.mailboxes()
    # The control: where it was begun it is good.
    assert flow.connected(flow.come_back(back))


def test_an_answer_for_a_user_is_refused_once_another_began_in_that_browser(flow: Flow):
    person = flow.person()
    of_first = flow.agree(flow.begin(flow.link(user="first")), person)
    second = flow.begin(flow.link(user="second"))

    ended = flow.outcome(flow.come_back(of_first))

    assert "other-browser" == ended
    mailbox = flow.connected(flow.come_back(flow.agree(second, person)))
    assert ["second"] == [box["user"] for box in flow.mailboxes()]
    assert mailbox


def test_a_state_of_another_client_of_the_crm_connects_nothing_here(make_flow):
    mine, theirs = make_flow(), make_flow("Other Ltd")
    back = theirs.agree(theirs.begin(), theirs.person())

    ended = mine.outcome(mine.come_back(back))

    assert "other-browser" == ended
    assert [] == mine.mailboxes() == theirs.mailboxes()
    assert theirs.connected(theirs.come_back(back))


def test_another_persons_code_is_refused_when_injected(flow: Flow):
    victim, attacker = flow.person(), flow.person()
    other = flow.another()
    stolen = flow.agree(flow.begin(flow.link(user="attacker"), other), attacker, browser=other)
    link = flow.link(user="victim")
    back = flow.agree(flow.begin(link), victim)

    ended = flow.outcome(flow.come_back(changed(back, code=query_of(stolen)["code"])))

    assert "code-refused" == ended
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), victim)))


def test_another_clients_code_is_refused_when_injected(flow: Flow):
    person = flow.person()
    flow.stand_in.add_client(flow.side.other_client, "secret", [f"{flow.url}/oauth/callback"])
    back = flow.agree(flow.begin(), person)
    theirs = flow.agree(changed(flow.begin(), client_id=flow.side.other_client), person)

    ended = flow.outcome(flow.come_back(theirs))

    assert "code-refused" == ended
    assert "other-browser" == flow.outcome(flow.come_back(back))
    assert [] == flow.mailboxes()


def test_a_code_that_is_too_old_is_refused(flow: Flow):
    link, person = flow.link(), flow.person()
    flow.stand_in.configure({"code_lasts": 0})
    back = flow.agree(flow.begin(link), person)
    flow.stand_in.configure({"code_lasts": 600})

    assert "code-refused" == flow.outcome(flow.come_back(back))
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


@pytest.mark.parametrize(
    "uri",
    ["https://evil.example/oauth/callback", "{url}/oauth/callback/", "{url}/oauth/callback?x=1"],
)
def test_the_provider_refuses_a_changed_redirect_uri(flow: Flow, uri: str):
    flow.stand_in.consent_as(flow.person().address)

    answer = flow.browser.get(changed(flow.begin(), redirect_uri=uri.format(url=flow.url)))

    assert 400 == answer.status_code
    assert "redirect" in answer.text


def test_a_code_for_another_registered_redirect_uri_is_refused(flow: Flow):
    link, person = flow.link(), flow.person()
    elsewhere = changed(flow.begin(link), redirect_uri=f"{flow.url}/elsewhere")
    leaked = flow.agree(elsewhere, person)
    back = urlsplit(leaked)._replace(path="/oauth/callback").geturl()

    ended = flow.outcome(flow.come_back(back))

    assert "refused" == ended
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE"])
def test_an_answer_comes_by_get_only(flow: Flow, method: str):
    back = flow.agree(flow.begin(), flow.person())

    answer = flow.browser.request(method, back)

    assert 405 == answer.status_code
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(back))
