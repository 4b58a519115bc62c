"""Tokens of Entra, as msal gets and renews them, and the refusals it must understand."""

from __future__ import annotations

from datetime import timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.fakes.common.keys import STRANGER, signing_key
from tests.fakes.microsoft import CLIENT_ID, CLIENT_SECRET
from tests.fakes.microsoft.entra.tenants import CONSUMERS
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


def test_who_signed_in_is_told_by_a_token_that_the_published_keys_verify(microsoft, eva, browser):
    microsoft.consent_as("eva@firm.example")

    result = browser.sign_in(application(microsoft))

    metadata = browser.visit(f"{microsoft.url}/common/v2.0/.well-known/openid-configuration").json()
    keys = jwt.PyJWKSet.from_dict(browser.visit(metadata["jwks_uri"]).json())
    kid = jwt.get_unverified_header(result["id_token"])["kid"]
    claims = jwt.decode(
        result["id_token"],
        next(each for each in keys.keys if each.key_id == kid).key,
        algorithms=["RS256"],
        audience=CLIENT_ID,
        issuer=metadata["issuer"].replace("{tenantid}", eva.tid),
    )
    assert (eva.sub, eva.oid, eva.tid) == (claims["sub"], claims["oid"], claims["tid"])
    assert ("eva@firm.example",) * 2 == (claims["preferred_username"], claims["email"])
    assert {"https://graph.microsoft.com/Mail.Read", "openid", "profile", "email"} == set(
        result["scope"].split()
    )


def test_without_profile_there_is_neither_name_nor_object_id(microsoft, eva, browser):
    microsoft.consent_as("eva@firm.example", "openid Mail.Read")

    claims = browser.sign_in(application(microsoft))["id_token_claims"]

    assert set() == {"oid", "name", "preferred_username", "email"} & set(claims)


def test_the_subject_differs_for_each_program(microsoft, eva):
    microsoft.add_client("another", "secret", [BACK])

    assert eva._account.sub(CLIENT_ID) != eva._account.sub("another")


@pytest.mark.parametrize(
    ("address", "tenant", "code"),
    [
        ("eva@firm.example", "common", ""),
        ("eva@firm.example", "organizations", ""),
        ("eva@firm.example", "firm.example", ""),
        ("eva@firm.example", "consumers", "AADSTS50020"),
        ("eva@firm.example", "other.example", "AADSTS50020"),
        ("kim@outlook.com", "common", ""),
        ("kim@outlook.com", "consumers", ""),
        ("kim@outlook.com", "organizations", "AADSTS50020"),
        ("kim@outlook.com", "firm.example", "AADSTS50020"),
    ],
)
def test_a_tenants_name_says_who_may_sign_in(address, tenant, code, microsoft, eva, browser):
    microsoft.add_account("kim@outlook.com")
    microsoft.add_tenant("other.example")
    microsoft.consent_as(address)

    brought = returned(browser.visit(begin(application(microsoft, tenant))["auth_uri"]))

    assert code == brought.get("error_description", "").partition(":")[0]


def test_a_personal_account_is_of_the_tenant_of_consumers(microsoft, browser):
    kim = microsoft.add_account("kim@outlook.com")
    microsoft.consent_as("kim@outlook.com")

    claims = browser.sign_in(application(microsoft))["id_token_claims"]

    assert (CONSUMERS, CONSUMERS) == (kim.tid, claims["tid"])
    assert f"{microsoft.url}/{CONSUMERS}/v2.0" == claims["iss"]


def test_a_guest_has_another_id_there_and_an_address_that_proves_nothing(microsoft, browser):
    microsoft.settings.shows_edov = True
    home = microsoft.add_tenant("home.example")
    guest = microsoft.add_account(
        "eva@home.example",
        tenant="firm.example",
        email="boss@firm.example",
        is_email_verified=False,
    )
    microsoft.consent_as("eva@home.example")

    claims = browser.sign_in(application(microsoft, "firm.example"))["id_token_claims"]

    assert ("boss@firm.example", False) == (claims["email"], claims["xms_edov"])
    assert guest.tid == claims["tid"] != home
    assert f"https://sts.windows.net/{home}/" == claims["idp"]


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


def test_an_app_has_permissions_of_its_own_once_an_administrator_gave_them(microsoft, eva, browser):
    def acquired():
        # A new client each time: msal keeps a refusal for a minute.
        app = application(microsoft, "firm.example")
        return app.acquire_token_for_client(["https://graph.microsoft.com/.default"])

    before = acquired()
    microsoft.permit_app("firm.example", mailboxes=["eva@firm.example"])
    after = acquired()

    assert ("unauthorized_client", [700016]) == (before["error"], before["error_codes"])
    assert {"refresh_token", "id_token"}.isdisjoint(after)
    path = "/users/{}/messages?$select=id"
    microsoft.add_account("max@firm.example")
    token = after["access_token"]
    assert [] == browser.get(path.format(eva.oid), token=token)["value"]
    assert (403, "ErrorAccessDenied") == browser.refusal(
        path.format("max@firm.example"), token=token
    )
    assert (404, "ErrorInvalidUser") == browser.refusal(path.format("kim@x.example"), token=token)
    assert (400, "BadRequest") == browser.refusal("/me/messages", token=token)


def pair(number):
    """Return what msal proves a program by: a key and its certificate."""
    key = signing_key(number)
    private = key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"private_key": private.decode(), "public_certificate": key.certificate}


def test_a_certificate_that_is_registered_proves_a_program(microsoft, eva):
    microsoft.permit_app("firm.example")
    microsoft.add_certificate(pair(STRANGER)["public_certificate"])

    def acquired(number, **more):
        app = application(microsoft, "firm.example", client_credential=pair(number) | more)
        return app.acquire_token_for_client(["https://graph.microsoft.com/.default"])

    assert "access_token" in acquired(STRANGER)
    assert ("invalid_client", [700027]) == (
        acquired(STRANGER + 1)["error"],
        acquired(STRANGER + 1)["error_codes"],
    )
    # One's own certificate named, and signed by another's key.
    forged = acquired(STRANGER, private_key=pair(STRANGER + 1)["private_key"])
    assert [700027] == forged["error_codes"]
    microsoft.advance(timedelta(hours=1))
    assert [700024] == acquired(STRANGER)["error_codes"]


def test_an_app_needs_a_tenant_and_the_default_scope(microsoft, eva, browser):
    microsoft.permit_app("firm.example")
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID}
    form |= {"client_secret": CLIENT_SECRET, "scope": "https://graph.microsoft.com/.default"}

    def codes(tenant, **changes):
        url = f"{microsoft.url}/{tenant}/oauth2/v2.0/token"
        return browser.client.post(url, data=form | changes).json()["error_codes"]

    assert [900023] == codes("common")
    assert [90002] == codes("unheard.example")
    assert [1002012] == codes("firm.example", scope="https://graph.microsoft.com/Mail.Read")


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


def test_the_keys_change_and_the_old_ones_go(microsoft, browser):
    url = f"{microsoft.url}/common/discovery/v2.0/keys"

    first = browser.visit(url).json()["keys"]
    microsoft.rotate_keys()
    second = browser.visit(url).json()["keys"]

    assert first[1]["kid"] == second[0]["kid"]
    assert {"https"} == {each["issuer"].partition(":")[0] for each in first}
    assert not any("alg" in each for each in first)


def test_an_authority_is_known_by_its_host(microsoft, browser):
    url = f"{microsoft.url}/common/discovery/instance"

    known = browser.visit(
        url, params={"authorization_endpoint": "https://localhost/firm.example/authorize"}
    ).json()
    unknown = browser.visit(
        url, params={"authorization_endpoint": "https://evil.example/common/authorize"}
    ).json()

    assert known["tenant_discovery_endpoint"].startswith(f"{microsoft.url}/firm.example/")
    assert "invalid_instance" == unknown["error"]


@pytest.mark.parametrize("refused", ["http://localhost/common", "https://localhost"])
def test_msal_takes_no_authority_without_tls_or_tenant(refused):
    import msal

    with pytest.raises(ValueError, match="https"):
        msal.ConfidentialClientApplication(
            CLIENT_ID, CLIENT_SECRET, authority=refused, instance_discovery=False
        )
