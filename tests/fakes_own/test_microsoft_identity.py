"""Who signs in at Entra, in which tenant, and the keys and names that prove it."""

from __future__ import annotations

import jwt
import msal
import pytest

from tests.fakes.microsoft import CLIENT_ID, CLIENT_SECRET
from tests.fakes.microsoft.entra.tenants import CONSUMERS
from tests.fakes_own.outlook import BACK, application, begin, returned


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
    with pytest.raises(ValueError, match="https"):
        msal.ConfidentialClientApplication(
            CLIENT_ID, CLIENT_SECRET, authority=refused, instance_discovery=False
        )
