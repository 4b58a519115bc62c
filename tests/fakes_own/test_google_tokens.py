"""Tokens: what they say, how they are refreshed, and all the ways in which they die."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import google.auth.transport.requests
import jwt
import pytest
import requests
from google.auth.exceptions import RefreshError
from google.oauth2 import id_token, service_account

from tests.fakes.google import CLIENT_ID
from tests.fakes_own import http
from tests.fakes_own.browser import connected, refresh
from tests.fakes_own.clients import credentials, gmail

READONLY = "https://www.googleapis.com/auth/gmail.readonly"


@pytest.fixture
def transport():
    with requests.Session() as session:
        session.trust_env = False
        yield google.auth.transport.requests.Request(session)


def test_an_id_token_says_who_signed_in(google, anna, transport):
    given = connected(google)

    claims = id_token.verify_token(
        given["id_token"], transport, CLIENT_ID, certs_url=f"{google.url}/oauth2/v1/certs"
    )

    assert {
        "iss": "https://accounts.google.com",
        "aud": CLIENT_ID,
        "sub": anna.sub,
        "email": "anna@firm.example",
        "email_verified": True,
        "hd": "firm.example",
        "nonce": "n-1",
    }.items() <= claims.items()
    assert (3599, "Bearer") == (given["expires_in"], given["token_type"])


def test_the_key_set_and_the_certificates_are_of_the_same_keys(google, anna):
    given = connected(google)
    key_set = jwt.PyJWKSet.from_dict(http.get(f"{google.url}/oauth2/v3/certs").json())
    certificates = http.get(f"{google.url}/oauth2/v1/certs").json()
    kid = jwt.get_unverified_header(given["id_token"])["kid"]

    claims = jwt.decode(given["id_token"], key_set[kid], ["RS256"], audience=CLIENT_ID)

    assert anna.sub == claims["sub"]
    assert {key.key_id for key in key_set.keys} == certificates.keys()


def test_keys_rotate_and_the_old_one_goes(google, anna):
    kid = jwt.get_unverified_header(connected(google)["id_token"])["kid"]
    google.rotate_keys()

    later = jwt.get_unverified_header(connected(google)["id_token"])["kid"]

    assert kid != later
    assert later in http.get(f"{google.url}/oauth2/v1/certs").json()
    assert kid not in http.get(f"{google.url}/oauth2/v1/certs").json()


def test_google_s_client_refreshes_when_a_token_dies(google, anna):
    with gmail(google, anna) as users:
        anna.expire_access_tokens()
        profile = users.getProfile(userId="me").execute()

    assert "anna@firm.example" == profile["emailAddress"]
    assert 1 == anna.counters().refreshes


def test_a_refresh_gives_no_new_refresh_token(google, anna):
    given = refresh(google, connected(google)["refresh_token"]).json()

    assert {"access_token", "expires_in", "scope", "token_type", "id_token"} == given.keys()


def test_the_lifetime_of_access_tokens_can_be_set(google, anna):
    google.configure({"access_token_lasts": 60})
    given = connected(google)
    google.advance(timedelta(seconds=61))

    late = http.get(
        f"{google.url}/gmail/v1/users/me/profile",
        headers={"authorization": f"Bearer {given['access_token']}"},
    )

    assert (60, 401) == (given["expires_in"], late.status_code)


def deaths(google, anna, token: str) -> Any:
    return {
        "revoked by the person": anna.revoke,
        "password changed": anna.change_password,
        "session policy": anna.require_sign_in,
        "account disabled": anna.disable,
        "six months unused": lambda: google.advance(timedelta(days=181)),
        "a hundred younger ones": lambda: [anna.grant() for _ in range(100)],
        "revoked by the program": lambda: http.post(f"{google.url}/revoke", data={"token": token}),
    }


@pytest.mark.parametrize(
    ("subtype", "death"),
    [
        (None, "revoked by the person"),
        (None, "password changed"),
        ("invalid_rapt", "session policy"),
        (None, "account disabled"),
        (None, "six months unused"),
        (None, "a hundred younger ones"),
        (None, "revoked by the program"),
    ],
)
def test_a_refresh_token_dies(subtype, death, google, anna, transport):
    tokens = connected(google)
    deaths(google, anna, tokens["refresh_token"])[death]()

    refused = refresh(google, tokens["refresh_token"])
    with pytest.raises(RefreshError):
        credentials(google, tokens).refresh(transport)

    assert (400, "invalid_grant") == (refused.status_code, refused.json()["error"])
    assert subtype == refused.json().get("error_subtype")


def test_in_testing_a_refresh_token_lasts_a_week(google, anna):
    google.settings.is_testing = True
    given = connected(google)

    google.advance(timedelta(days=8))

    assert 604_800 == given["refresh_token_expires_in"]
    assert "invalid_grant" == refresh(google, given["refresh_token"]).json()["error"]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_one_token_takes_the_whole_grant(kind, google, anna):
    first = connected(google)
    second = connected(google, prompt="consent")

    answers = [http.post(f"{google.url}/revoke", data={"token": first[kind]}) for _ in range(2)]

    assert [200, 400] == [each.status_code for each in answers]
    assert "invalid_token" == answers[1].json()["error"]
    assert 400 == refresh(google, second["refresh_token"]).status_code
    assert not anna.is_granted()


def test_a_refresh_can_ask_for_less_and_not_for_more(google, anna):
    token = connected(google)["refresh_token"]

    less = refresh(google, token, scope="openid")
    more = refresh(google, token, scope="https://mail.google.com/")

    assert "openid" == less.json()["scope"]
    assert "invalid_scope" == more.json()["error"]


@pytest.mark.parametrize(
    ("status", "error", "what"),
    [
        (400, "invalid_grant", "invalid_grant"),
        (503, "backend_error", "serviceUnavailable"),
        (500, "internal_failure", "backendError"),
        (429, "rate_limit_exceeded", "tooManyRequests"),
        (400, "admin_policy_enforced", "admin_policy_enforced"),
    ],
)
def test_the_token_endpoint_fails_as_ordered_for_one_person(status, error, what, google, anna):
    bert = google.add_account("bert@firm.example")
    google.fail_next(what, method="oauth.token", address=anna.address)

    other = refresh(google, bert.grant()["refresh_token"])
    refused = refresh(google, anna.grant()["refresh_token"])

    assert 200 == other.status_code
    assert (status, error) == (refused.status_code, refused.json()["error"])


def test_userinfo_says_what_the_scopes_allow(google, anna):
    url = f"{google.url}/oauth2/v3/userinfo"
    token = connected(google)["access_token"]

    found = http.get(url, headers={"authorization": f"Bearer {token}"})
    nobody = http.get(url, headers={"authorization": "Bearer nobody"})

    assert {
        "sub": anna.sub,
        "email": "anna@firm.example",
        "email_verified": True,
        "hd": "firm.example",
    } == found.json()
    assert 401 == nobody.status_code


def test_a_new_address_is_the_same_person(google, anna):
    sub = anna.sub
    token = connected(google)["refresh_token"]

    anna.rename("anna.new@firm.example")
    told = jwt.decode(
        refresh(google, token).json()["id_token"], options={"verify_signature": False}
    )

    assert (sub, "anna.new@firm.example") == (told["sub"], told["email"])


def test_the_configuration_names_every_endpoint(google):
    told = http.get(f"{google.url}/.well-known/openid-configuration").json()

    assert "https://accounts.google.com" == told["issuer"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert google.environment()["GOOGLE_TOKEN_URL"] == told["token_endpoint"]


def test_a_service_account_acts_for_a_person_of_its_workspace(google, anna, transport):
    google.add_account("carl@gmail.com")
    key = google.add_service_account("crm@project.example", {"firm.example": READONLY})
    own = service_account.Credentials.from_service_account_info(key, scopes=[READONLY])

    acting = own.with_subject("anna@firm.example")
    acting.refresh(transport)
    with gmail(google, anna, token=acting.token) as users:
        profile = users.getProfile(userId="me").execute()

    assert "anna@firm.example" == profile["emailAddress"]
    for subject, error in [
        ("carl@gmail.com", "unauthorized_client"),
        ("nobody@firm.example", "invalid_grant"),
    ]:
        with pytest.raises(RefreshError, match=error):
            own.with_subject(subject).refresh(transport)
    with pytest.raises(RefreshError, match="unauthorized_client"):
        own.with_scopes(["https://mail.google.com/"]).with_subject(anna.address).refresh(transport)


def test_a_service_account_alone_has_no_mailbox(google, anna, transport):
    key = google.add_service_account("crm@project.example")
    own = service_account.Credentials.from_service_account_info(key, scopes=[READONLY])

    own.refresh(transport)
    found = http.get(
        f"{google.url}/gmail/v1/users/me/profile", headers={"authorization": f"Bearer {own.token}"}
    )

    assert (400, "FAILED_PRECONDITION") == (found.status_code, found.json()["error"]["status"])


def test_an_assertion_signed_by_another_is_refused(google, anna, transport):
    key = google.add_service_account("crm@project.example", {"firm.example": READONLY})
    other = google.add_service_account("other@project.example")
    stolen = key | {"private_key": other["private_key"]}
    forged = service_account.Credentials.from_service_account_info(
        stolen, scopes=[READONLY], subject=anna.address
    )

    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        forged.refresh(transport)
