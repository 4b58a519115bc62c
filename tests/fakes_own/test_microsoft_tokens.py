"""Tokens of Entra, as msal gets and renews them, and the refusals it must understand."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from tests.fakes.microsoft import CLIENT_ID, CLIENT_SECRET
from tests.fakes_own.outlook import BACK, READ, application, begin, returned

MFA = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


def refreshed(app, **given):
    """Renew msal's token, whatever it holds."""
    return app.acquire_token_silent_with_error(
        READ[:1], app.get_accounts()[0], force_refresh=True, **given
    )


@pytest.fixture
def app(microsoft, eva, browser):
    """A client of msal that Eva has signed in to."""
    microsoft.consent_as("eva@firm.example")
    made = application(microsoft)
    assert "access_token" in browser.sign_in(made)
    return made


def test_each_refresh_gives_another_token_and_the_old_one_stays_good(microsoft, eva, browser):
    first = eva.grant()["refresh_token"]

    answers = [refresh(microsoft, browser, first).json() for _ in range(2)]

    assert 3 == len({first, *(each["refresh_token"] for each in answers)})


def test_who_keeps_the_first_refresh_token_loses_the_grant_after_ninety_days(
    microsoft, eva, browser
):
    first = eva.grant()["refresh_token"]
    microsoft.advance(timedelta(days=60))
    second = refresh(microsoft, browser, first).json()["refresh_token"]
    microsoft.advance(timedelta(days=60))

    old, new = refresh(microsoft, browser, first), refresh(microsoft, browser, second)

    assert (400, [700082]) == (old.status_code, old.json()["error_codes"])
    assert 200 == new.status_code


def refresh(microsoft, browser, token, **changes):
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    } | changes
    sent = {name: value for name, value in form.items() if value is not None}
    return browser.client.post(f"{microsoft.url}/common/oauth2/v2.0/token", data=sent)


@pytest.mark.parametrize(
    ("befalls", "error", "code", "suberror"),
    [
        (lambda eva: eva.revoke(), "invalid_grant", 50173, None),
        (lambda eva: eva.expire_refresh_tokens(), "invalid_grant", 700082, None),
        (lambda eva: eva.withdraw_consent(), "invalid_grant", 65001, "consent_required"),
        (lambda eva: eva.disable(), "invalid_grant", 50057, None),
        (lambda eva: eva.require(50076), "invalid_grant", 50076, "basic_action"),
        (
            *(lambda eva: eva.require(50079, "interaction_required"), "interaction_required"),
            *(50079, "basic_action"),
        ),
    ],
)
def test_a_refresh_that_is_refused_says_why(befalls, error, code, suberror, app, eva):
    befalls(eva)

    result = refreshed(app)

    assert (error, [code], suberror) == (
        *(result["error"], result["error_codes"]),
        result.get("suberror"),
    )
    assert result["error_description"].startswith(f"AADSTS{code}: ")
    assert (code in {50076, 50079}) is ("claims" in result)


def test_a_confidential_clients_refresh_token_survives_a_new_password(app, eva):
    eva.change_password()

    assert "access_token" in refreshed(app)


def test_a_second_factor_is_asked_for_until_the_person_comes(app, eva, browser):
    eva.require(50076)

    refused = refreshed(app)
    browser.sign_in(app, login_hint="eva@firm.example")

    assert "claims" in refused
    assert "access_token" in refreshed(app)


@pytest.mark.parametrize(
    ("status", "codes", "changes"),
    [
        (401, [7000215], {"client_secret": "wrong"}),
        (401, [7000218], {"client_secret": None}),
        (400, [700016], {"client_id": "unheard-of"}),
        (400, [900144], {"client_id": None}),
        (400, [900144], {"grant_type": None}),
        (400, [70003], {"grant_type": "password"}),
        (400, [900144], {"refresh_token": None}),
        (400, [70000], {"refresh_token": "unheard-of"}),
        (400, [70011], {"scope": "https://graph.microsoft.com/Unheard.Of"}),
        (400, [65001], {"scope": "https://graph.microsoft.com/Mail.ReadWrite"}),
        (400, [65001], {"scope": "https://outlook.office.com/IMAP.AccessAsUser.All"}),
    ],
)
def test_a_refresh_that_is_not_as_it_should_be_is_refused(
    status, codes, changes, microsoft, eva, browser
):
    answer = refresh(microsoft, browser, eva.grant()["refresh_token"], **changes)

    assert (status, codes) == (answer.status_code, answer.json()["error_codes"])


def code_form(text, flow, **changes):
    form = {
        "grant_type": "authorization_code",
        "code": text,
        "redirect_uri": BACK,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "code_verifier": flow["code_verifier"],
    } | changes
    return {name: value for name, value in form.items() if value is not None}


@pytest.mark.parametrize(
    ("codes", "changes"),
    [
        ([501481], {"code_verifier": "w" * 50}),
        ([900144], {"code_verifier": None}),
        ([500112], {"redirect_uri": "http://127.0.0.1:8000/elsewhere"}),
        ([70000], {"code": "unheard-of"}),
        ([70000], {"client_id": "another", "client_secret": "other"}),
    ],
)
def test_a_code_is_good_only_for_who_began(codes, changes, microsoft, eva, browser):
    microsoft.add_client("another", "other", [BACK])
    microsoft.consent_as("eva@firm.example")
    flow = begin(application(microsoft))
    code = returned(browser.visit(flow["auth_uri"]))["code"]

    answer = redeem(microsoft, browser, code_form(code, flow, **changes))

    assert (400, codes) == (answer.status_code, answer.json()["error_codes"])


def redeem(microsoft, browser, form) -> httpx.Response:
    answer: httpx.Response = browser.client.post(
        f"{microsoft.url}/common/oauth2/v2.0/token", data=form
    )
    return answer


def test_a_code_is_good_once_and_for_ten_minutes(microsoft, eva, browser):
    microsoft.consent_as("eva@firm.example")
    flow = begin(application(microsoft))
    once, late = (returned(browser.visit(flow["auth_uri"]))["code"] for _ in range(2))

    first = redeem(microsoft, browser, code_form(once, flow))
    again = redeem(microsoft, browser, code_form(once, flow))
    microsoft.advance(timedelta(minutes=11))
    too_late = redeem(microsoft, browser, code_form(late, flow))

    assert 200 == first.status_code
    assert [[54005], [70008]] == [each.json()["error_codes"] for each in (again, too_late)]


def test_one_token_is_for_one_resource(microsoft, eva, browser):
    imap = "https://outlook.office.com/IMAP.AccessAsUser.All"
    token = eva.grant(f"offline_access Mail.Read {imap}")["refresh_token"]

    both = refresh(microsoft, browser, token, scope=f"Mail.Read {imap}")
    one = refresh(microsoft, browser, token, scope=imap).json()

    assert [28000] == both.json()["error_codes"]
    assert imap == one["scope"]
    assert (401, "InvalidAuthenticationToken") == browser.refusal(
        "/me/messages", token=one["access_token"]
    )


def test_less_may_be_granted_than_was_asked_for(microsoft, eva, browser):
    microsoft.consent_as("eva@firm.example", "openid profile email")

    result = browser.sign_in(application(microsoft))

    assert {"openid", "profile", "email"} == set(result["scope"].split())
    assert "refresh_token" not in result


def test_who_understands_challenges_is_challenged_and_comes_back_with_claims(
    microsoft, eva, browser
):
    microsoft.consent_as("eva@firm.example")
    app = application(microsoft, client_capabilities=["cp1"])
    first = browser.sign_in(app)
    plain = eva.grant()["access_token"]
    assert 80_000 < first["expires_in"]

    eva.challenge(MFA)
    refused = browser.ask("GET", "/me/messages", token=first["access_token"])
    second = refreshed(app, claims_challenge=MFA)["access_token"]

    assert 401 == refused.status_code
    assert 'error="insufficient_claims"' in refused.headers["www-authenticate"]
    assert [] == browser.get("/me/messages", token=second)["value"]
    assert [] == browser.get("/me/messages", token=plain)["value"]


def test_a_challenge_that_only_the_person_can_meet(microsoft, eva, browser):
    microsoft.consent_as("eva@firm.example")
    app = application(microsoft, client_capabilities=["cp1"])
    browser.sign_in(app)

    eva.challenge(MFA, needs_person=True)
    refused = refreshed(app, claims_challenge=MFA)
    renewed = browser.sign_in(app, claims_challenge=MFA)

    assert ("invalid_grant", MFA) == (refused["error"], refused["claims"])
    assert [] == browser.get("/me/messages", token=renewed["access_token"])["value"]


@pytest.mark.parametrize("what", ["50173", "90033", "ServiceUnavailable", "TooManyRequests"])
def test_a_refusal_comes_on_demand_for_one_person_and_then_it_goes_well(
    what, microsoft, eva, browser
):
    other = microsoft.add_account("max@firm.example").grant()["refresh_token"]
    token = eva.grant()["refresh_token"]
    microsoft.fail_next(what, method="entra.token", address="eva@firm.example")

    statuses = [refresh(microsoft, browser, each).status_code for each in (other, token, token)]

    assert [200, 200] == [statuses[0], statuses[2]]
    assert 400 <= statuses[1]
    assert 1 == eva.counters().refreshes
