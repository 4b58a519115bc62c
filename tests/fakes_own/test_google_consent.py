"""The authorization endpoint: what it checks, what the page offers, what comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.google import CLIENT_ID, CLIENT_SECRET
from tests.fakes_own import http
from tests.fakes_own.browser import BACK, VERIFIER, answer, ask, connected, exchange, returned

READONLY = "https://www.googleapis.com/auth/gmail.readonly"


def test_a_person_chooses_an_account_and_what_it_allows(google, anna):
    google.add_account("bert@gmail.com", name="Bert <b>")

    page = ask(google, login_hint="anna@firm.example")
    back = returned(answer(google, page, account="anna@firm.example", scope=[READONLY]))

    assert 'value="anna@firm.example" required checked' in page.text
    assert f'name="scope" value="{READONLY}"' in page.text
    assert "Bert &lt;b&gt;" in page.text
    assert ("s/1", "https://accounts.google.com", "firm.example", "0") == (
        back["state"],
        back["iss"],
        back["hd"],
        back["authuser"],
    )
    assert {"email", "openid", READONLY} <= set(back["scope"].split())


def test_a_box_left_empty_grants_less(google, anna):
    back = returned(answer(google, ask(google), account=anna.address))

    given = exchange(google, back["code"]).json()

    assert "https://www.googleapis.com/auth/userinfo.email openid" == given["scope"]


def test_a_denial_goes_back_without_a_code(google, anna):
    back = returned(answer(google, ask(google), decision="deny"))

    assert {
        "error": "access_denied",
        "state": "s/1",
        "iss": "https://accounts.google.com",
    } == back


def test_a_page_is_answered_once(google, anna):
    page = ask(google)
    answer(google, page, decision="deny")

    assert 400 == answer(google, page, account=anna.address).status_code


def test_consent_can_be_ordered_by_whom_and_for_what(google, anna):
    google.add_account("bert@firm.example")
    google.consent_as("bert@firm.example", "openid")
    narrowed = exchange(google, returned(ask(google))["code"]).json()
    google.consent_as()
    hinted = returned(ask(google, login_hint=anna.sub))
    google.consent_denied()

    assert "openid" == narrowed["scope"]
    assert "code" in hinted
    assert "access_denied" == returned(ask(google))["error"]


def test_the_issuer_can_be_left_out(google, anna):
    google.settings.sends_iss = False
    google.consent_as()

    assert "iss" not in returned(ask(google))


@pytest.mark.parametrize(
    ("status", "error", "changes"),
    [
        (400, "invalid_request", {"client_id": None}),
        (401, "invalid_client", {"client_id": "stranger"}),
        (400, "invalid_request", {"redirect_uri": None}),
        (400, "redirect_uri_mismatch", {"redirect_uri": "http://127.0.0.1:8000/oauth/callback/"}),
        (400, "redirect_uri_mismatch", {"redirect_uri": "http://localhost:8000/oauth/callback"}),
        (400, "unsupported_response_type", {"response_type": "token"}),
        (400, "invalid_request", {"scope": None}),
        (400, "invalid_scope", {"scope": "openid https://www.googleapis.com/auth/drive"}),
        (400, "invalid_request", {"code_challenge_method": "S512"}),
        (400, "invalid_request", {"code_challenge": None}),
        (400, "invalid_request", {"code_challenge": "short"}),
        (400, "invalid_request", {"access_type": "sometimes"}),
        (400, "invalid_request", {"prompt": "none consent"}),
        (400, "invalid_request", {"prompt": "beg"}),
        (400, "invalid_request", {"response_mode": "form_post"}),
        (400, "invalid_request", {"unheard": "of"}),
    ],
)
def test_a_wrong_request_is_shown_and_never_sent_back(status, error, changes, google, anna):
    google.consent_as()

    page = ask(google, **changes)

    assert status == page.status_code
    assert f"<code>{error}</code>" in page.text


def test_plain_pkce_can_be_refused(google, anna):
    google.consent_as()
    verifier = "v" * 50
    plain = {"code_challenge": verifier, "code_challenge_method": "plain"}
    accepted = exchange(google, returned(ask(google, **plain))["code"]).status_code

    google.settings.allows_plain_pkce = False

    assert (200, 400) == (accepted, ask(google, **plain).status_code)


def test_a_refresh_token_comes_only_offline_and_again_only_with_consent(google, anna):
    online = connected(google, access_type="online")
    anna.revoke()

    first = connected(google)
    again = connected(google)
    asked_anew = connected(google, prompt="consent")

    assert [False, True, False, True] == [
        "refresh_token" in each for each in (online, first, again, asked_anew)
    ]


def test_granted_scopes_are_joined_when_that_is_asked_for(google, anna):
    connected(google, scope=f"openid {READONLY}")

    alone = connected(google, scope="openid email")
    joined = connected(google, scope="openid email", include_granted_scopes="true")

    assert READONLY not in alone["scope"].split()
    assert READONLY in joined["scope"].split()


def test_nobody_is_asked_with_prompt_none(google, anna):
    before = returned(ask(google, prompt="none", login_hint=anna.address))
    connected(google)

    after = returned(ask(google, prompt="none", login_hint=anna.address))
    stranger = returned(ask(google, prompt="none", login_hint="who@firm.example"))

    assert ("interaction_required", True, "login_required") == (
        before["error"],
        "code" in after,
        stranger["error"],
    )


def test_a_code_is_good_once_and_for_ten_minutes(google, anna):
    google.consent_as()
    code = returned(ask(google))["code"]
    stale = returned(ask(google))["code"]

    first, second = exchange(google, code), exchange(google, code)
    google.advance(timedelta(minutes=11))
    late = exchange(google, stale)

    assert [200, 400, 400] == [each.status_code for each in (first, second, late)]
    assert "invalid_grant" == second.json()["error"] == late.json()["error"]


@pytest.mark.parametrize(
    ("status", "error", "changes"),
    [
        (400, "invalid_grant", {"code_verifier": "w" * 50}),
        (400, "invalid_grant", {"code_verifier": None}),
        (400, "redirect_uri_mismatch", {"redirect_uri": "http://127.0.0.1:8000/other"}),
        (400, "invalid_request", {"redirect_uri": None}),
        (400, "invalid_request", {"code": None}),
        (400, "invalid_request", {"client_secret": None}),
        (400, "invalid_request", {"client_id": None}),
        (401, "invalid_client", {"client_secret": "guessed"}),
        (401, "invalid_client", {"client_id": "stranger"}),
        (400, "unsupported_grant_type", {"grant_type": "password"}),
        (400, "invalid_request", {"grant_type": None}),
    ],
)
def test_a_wrong_exchange_is_refused(status, error, changes, google, anna):
    google.consent_as()
    code = returned(ask(google))["code"]

    refused = exchange(google, **({"code": code} | changes))

    assert (status, error) == (refused.status_code, refused.json()["error"])


def test_a_code_of_another_client_is_refused(google, anna):
    google.add_client("other", "secret", [])
    google.consent_as()

    refused = exchange(
        google, returned(ask(google))["code"], client_id="other", client_secret="secret"
    )

    assert "invalid_grant" == refused.json()["error"]


def test_a_client_may_name_itself_by_basic(google, anna):
    google.consent_as()
    given = http.post(
        f"{google.url}/token",
        data={
            "grant_type": "authorization_code",
            "code": returned(ask(google))["code"],
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
        },
        auth=(CLIENT_ID, CLIENT_SECRET),
    )

    assert 200 == given.status_code
