"""Two providers at one address: an answer of one is never taken for the other's (RFC 9207)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.oauth.ground import Flow, changed, query_of
from tests.service.oauth.sides import GMAIL, GRAPH, Side, side_of

SIDES = (GRAPH,)


@pytest.fixture(scope="module")
def google() -> Iterator[Side]:
    """Google's stand-in, beside Microsoft's."""
    one = side_of(GMAIL)
    yield one
    one.close()


@pytest.fixture(scope="module")
def more_settings(google: Side) -> dict[str, str]:
    """The registration at Google as well."""
    return google.environment()


@pytest.fixture
def both(flow: Flow, google: Side) -> Iterator[tuple[Flow, Flow]]:
    """The same CRM and browser, at Microsoft and at Google."""
    google.go_well()
    google.stand_in.allow_redirect(f"{flow.url}/oauth/callback")
    other = Flow(flow.service, google, flow.crm, flow.browser)
    yield flow, other
    other.close()


def test_the_page_offers_both(both: tuple[Flow, Flow]):
    microsoft, google = both

    page = microsoft.browser.get(microsoft.link())

    assert "Continue with Google" in page.text
    assert "Sign in with Microsoft" in page.text
    policy = page.headers["content-security-policy"]
    assert microsoft.stand_in.url in policy
    assert google.stand_in.url in policy
    for where in ("myaccount.google.com", "myapps.microsoft.com", "account.live.com"):
        assert where in page.text


def test_googles_answer_is_not_taken_for_microsofts(both: tuple[Flow, Flow]):
    microsoft, google = both
    theirs = google.agree(google.begin(browser=google.another()), google.person())
    back = microsoft.agree(microsoft.begin(), microsoft.person())
    state = query_of(back)["state"]

    ended = microsoft.outcome(microsoft.come_back(changed(theirs, state=state)))

    assert "forged" == ended
    assert [] == [one for one in microsoft.tamper.forms if "code" in one]
    assert microsoft.connected(microsoft.come_back(back))


def test_microsofts_answer_is_not_taken_for_googles(both: tuple[Flow, Flow]):
    microsoft, google = both
    theirs = microsoft.agree(
        microsoft.begin(browser=microsoft.another()), microsoft.person(), browser=None
    )
    back = google.agree(google.begin(), google.person())
    state = query_of(back)["state"]

    ended = google.outcome(google.come_back(changed(theirs, state=state)))

    assert "forged" == ended
    assert [] == google.tamper.forms
    assert google.connected(google.come_back(back))


def test_a_code_of_the_other_provider_is_refused_when_injected(both: tuple[Flow, Flow]):
    microsoft, google = both
    other = google.another()
    stolen = google.agree(google.begin(browser=other), google.person(), browser=other)
    back = microsoft.agree(microsoft.begin(), microsoft.person())

    ended = microsoft.outcome(microsoft.come_back(changed(back, code=query_of(stolen)["code"])))

    assert "code-refused" == ended
    assert [] == microsoft.mailboxes()
