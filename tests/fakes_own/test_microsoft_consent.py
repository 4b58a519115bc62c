"""What a person sees at Entra's authorization endpoint, and what an administrator allows."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.fakes.microsoft import CLIENT_ID
from tests.fakes_own.outlook import BACK, READ, application, begin, returned


def link(microsoft, tenant="common", **changes):
    """Return the address of the authorization page; a change to None leaves a parameter out."""
    query = dict(parse_qsl(urlsplit(begin(application(microsoft))["auth_uri"]).query)) | changes
    given = {name: value for name, value in query.items() if value is not None}
    return f"{microsoft.url}/{tenant}/oauth2/v2.0/authorize?{urlencode(given)}"


def test_a_person_chooses_an_account_and_accepts(microsoft, eva, browser):
    microsoft.add_account("max@firm.example")
    app = application(microsoft)
    flow = begin(app)

    page = browser.visit(flow["auth_uri"])
    brought = returned(browser.answer(page, account="eva@firm.example"))

    assert "permissions requested" in page.text
    assert ("s/1", True) == (brought["state"], "session_state" in brought)
    result = app.acquire_token_by_auth_code_flow(flow, brought)
    assert eva.oid == result["id_token_claims"]["oid"]


def test_a_page_is_answered_once(microsoft, eva, browser):
    page = browser.visit(link(microsoft))
    browser.answer(page, account="eva@firm.example")

    assert 400 == browser.answer(page, account="eva@firm.example").status_code


def test_a_person_declines(microsoft, eva, browser):
    brought = returned(browser.answer(browser.visit(link(microsoft)), decision="deny"))

    assert ("access_denied", "s/1") == (brought["error"], brought["state"])
    assert brought["error_description"].startswith("AADSTS65004: ")
    assert not eva.is_granted()


@pytest.mark.parametrize("tenant", ["common", "consumers"])
def test_the_page_offers_whom_the_tenant_admits(tenant, microsoft, eva, browser):
    microsoft.add_account("kim@outlook.com")
    microsoft.add_account("team@firm.example", is_shared=True)

    page = browser.visit(link(microsoft, tenant)).text

    assert (tenant == "common") is ("eva@firm.example" in page)
    assert "kim@outlook.com" in page
    assert "team@firm.example" not in page


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("AADSTS900144", {"client_id": None}),
        ("AADSTS900144", {"scope": None}),
        ("AADSTS900144", {"response_type": None}),
        ("AADSTS700016", {"client_id": "unheard-of"}),
        ("AADSTS50011", {"redirect_uri": "https://evil.example/"}),
        ("AADSTS50011", {"redirect_uri": f"{BACK}/more"}),
        ("AADSTS9002313", {"unheard": "of"}),
    ],
)
def test_what_cannot_be_trusted_is_shown_and_never_sent_back(code, changes, microsoft, browser):
    answer = browser.visit(link(microsoft, **changes))

    assert 400 == answer.status_code
    assert code in answer.text


@pytest.mark.parametrize(
    ("error", "code", "changes"),
    [
        ("unsupported_response_type", "AADSTS700051", {"response_type": "id_token"}),
        ("invalid_request", "AADSTS9002313", {"response_mode": "fragment"}),
        ("invalid_request", "AADSTS90023", {"prompt": "select_account consent"}),
        ("invalid_client", "AADSTS650053", {"scope": "openid Unheard.Of"}),
        ("invalid_request", "AADSTS900144", {"code_challenge": None}),
        ("invalid_request", "AADSTS9002313", {"code_challenge_method": "S512"}),
        ("invalid_request", "AADSTS501491", {"code_challenge": "short"}),
    ],
)
def test_what_cannot_be_is_told_to_the_program(error, code, changes, microsoft, browser):
    brought = returned(browser.visit(link(microsoft, **changes)))

    assert (error, code) == (brought["error"], brought["error_description"].partition(":")[0])


def test_an_unknown_tenant_has_neither_page_nor_metadata(microsoft, browser):
    assert "AADSTS90002" in browser.visit(link(microsoft, "unheard.example")).text
    metadata = f"{microsoft.url}/unheard.example/v2.0/.well-known/openid-configuration"
    assert [90002] == browser.visit(metadata).json()["error_codes"]


@pytest.mark.parametrize(
    ("error", "granted", "hint"),
    [
        ("interaction_required", "", "eva@firm.example"),
        ("login_required", " ".join(READ), ""),
        (None, " ".join(READ), "eva@firm.example"),
    ],
)
def test_silence_is_for_who_consented(error, granted, hint, microsoft, eva, browser):
    microsoft.add_account("max@firm.example")
    if granted:
        eva.grant(granted)

    brought = returned(browser.visit(link(microsoft, prompt="none", login_hint=hint)))

    assert error == brought.get("error")


@pytest.mark.parametrize("code", ["90094", "90095"])
def test_a_tenant_may_leave_consent_to_its_administrators(code, microsoft, eva, browser):
    microsoft.consent_needs_admin("firm.example", code)
    microsoft.consent_as("eva@firm.example")

    before = returned(browser.visit(link(microsoft)))
    microsoft.consent_for_all("firm.example", "openid profile offline_access email Mail.Read")
    after = returned(browser.visit(link(microsoft)))

    assert "access_denied" == before["error"]
    assert before["error_description"].startswith(f"AADSTS{code}: ")
    assert "code" in after


def admin_link(microsoft, path="adminconsent", **changes):
    query = {"client_id": CLIENT_ID, "redirect_uri": BACK, "state": "a/1"} | changes
    return f"{microsoft.url}/firm.example/{path}?{urlencode(query)}"


@pytest.mark.parametrize("path", ["adminconsent", "v2.0/adminconsent"])
def test_an_administrator_allows_for_everybody(path, microsoft, eva, browser):
    microsoft.add_account("boss@firm.example", is_admin=True)
    microsoft.consent_needs_admin("firm.example")

    page = browser.visit(admin_link(microsoft, path, scope="Mail.Read"))
    brought = returned(browser.answer(page, account="boss@firm.example"))

    assert {"admin_consent": "True", "tenant": eva.tid, "state": "a/1"} == brought
    microsoft.consent_as("eva@firm.example", "Mail.Read")
    assert "code" in returned(browser.visit(link(microsoft)))


def test_an_administrators_consent_gives_the_app_permissions_of_its_own(microsoft, eva, browser):
    microsoft.add_account("boss@firm.example", is_admin=True)
    microsoft.consent_as("boss@firm.example")

    brought = returned(browser.visit(admin_link(microsoft)))
    app = application(microsoft, "firm.example")
    token = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])["access_token"]

    assert "True" == brought["admin_consent"]
    assert [] == browser.get(f"/users/{eva.oid}/messages", token=token)["value"]
    microsoft.forbid_app("firm.example")
    again = application(microsoft, "firm.example")
    refused = again.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    assert [700016] == refused["error_codes"]


def test_only_an_administrator_allows_for_everybody(microsoft, eva, browser):
    page = browser.visit(admin_link(microsoft))

    assert 403 == browser.answer(page, account="eva@firm.example").status_code
    assert "access_denied" == returned(browser.answer(page, decision="deny"))["error"]
    assert 400 == browser.visit(admin_link(microsoft, client_id="unheard-of")).status_code
    assert 400 == browser.visit(admin_link(microsoft, redirect_uri="https://x.example")).status_code


def test_the_answer_names_its_issuer_only_when_it_is_told_to(microsoft, eva, browser):
    microsoft.consent_as("eva@firm.example")
    url = link(microsoft)

    silent = returned(browser.visit(url))
    microsoft.configure({"sends_iss": True})

    assert "iss" not in silent
    assert f"{microsoft.url}/{eva.tid}/v2.0" == returned(browser.visit(url))["iss"]
