"""Where the browser is sent, what its forms do, and what leaks: nothing that helps an attacker."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from fastapi import Response
from sqlalchemy import text

from tests.service.oauth.ground import RETURN, Flow, form_token, query_of
from tests.service.oauth.sides import GMAIL, GRAPH
from web.pages import browser
from worker.boot import Service

SIDES = (GMAIL, GRAPH)
NOT_REGISTERED = {
    "another host": "https://evil.example/crm/back",
    "another path": "http://127.0.0.1:9/crm/other",
    "a path below": f"{RETURN}/more",
    "a path above": "http://127.0.0.1:9/crm",
    "a slash more": f"{RETURN}/",
    "a query more": f"{RETURN}?next=https://evil.example",
    "a fragment more": f"{RETURN}#x",
    "another port": "http://127.0.0.1:90/crm/back",
    "no port": "http://127.0.0.1/crm/back",
    "another scheme": "https://127.0.0.1:9/crm/back",
    "a user before the host": "http://127.0.0.1:9@evil.example/crm/back",
    "another case": "http://127.0.0.1:9/CRM/back",
    "dots in the path": "http://127.0.0.1:9/x/../crm/back",
    "percent-encoded": "http://127.0.0.1:9/crm/%62ack",
    "a blank before": f" {RETURN}",
    "a line break after": f"{RETURN}\n",
    "a backslash": "http://127.0.0.1:9\\@evil.example/crm/back",
    "no scheme": "//127.0.0.1:9/crm/back",
    "a script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "empty, as the console's own": "",
    "a zero byte": f"{RETURN}\0",
}


@pytest.mark.parametrize("attack", NOT_REGISTERED)
def test_a_browser_returns_to_what_was_registered_letter_by_letter(flow: Flow, attack: str):
    body = {"user": "7", "return_url": NOT_REGISTERED[attack]}

    answer = flow.crm.call("POST", "/v1/connect", json=body)

    assert 422 == answer.status_code
    assert "return_url" == answer.json()["errors"][0]["field"]
    # The control.
    control = flow.crm.call("POST", "/v1/connect", json=body | {"return_url": RETURN})
    assert 201 == control.status_code


UNFIT = [
    "http://crm.example/back",
    "https://user@crm.example/back",
    "https://crm.example/back#fragment",
    "https://crm.example/ back",
    "https://crm.example\\@evil.example/",
    "https:///back",
    "https://crm.example/back?state=x",
    "https://crm.example/back?a=1&mailbox=2",
    "https://crm.example/back?error=",
    "https://crm.exämple/back",
    "ftp://crm.example/back",
    "javascript:alert(1)",
    "//crm.example/back",
    "https://crm.example:port/back",
    "",
    "https://crm.example/" + "a" * 2000,
]


@pytest.mark.parametrize("url", UNFIT, ids=lambda url: repr(url)[:40])
def test_an_address_that_could_be_read_in_two_ways_is_not_registered(flow: Flow, url: str):
    answer = flow.crm.call("PUT", "/v1/integration", json={"return_urls": [RETURN, url]})

    assert 422 == answer.status_code
    assert [RETURN] == flow.crm.get("/v1/integration")["return_urls"]


def test_an_address_that_was_taken_back_meanwhile_is_not_returned_to(flow: Flow):
    back = flow.agree(flow.begin(), flow.person())
    flow.crm.call("PUT", "/v1/integration", json={"return_urls": []})

    answer = flow.come_back(back)

    assert 200 == answer.status_code
    assert "location" not in answer.headers
    assert "Your mailbox is connected" in answer.text


def test_what_is_returned_to_keeps_its_own_parameters(flow: Flow):
    url = "https://crm.example/back?client=4"
    flow.crm.call("PUT", "/v1/integration", json={"return_urls": [url]})

    back = flow.agree(flow.begin(flow.link(return_url=url)), flow.person())
    location = flow.come_back(back).headers["location"]

    assert location.startswith(f"{url}&mailbox=")
    assert {"client", "mailbox", "state"} == set(query_of(location))


FORMS: dict[str, dict[str, str]] = {
    "no token": {"form_token": ""},
    "a token of another page": {"form_token": "0" * 64},
    "not ASCII": {"form_token": "ä" * 32},
}


@pytest.mark.parametrize("attack", FORMS)
def test_a_form_of_another_site_begins_nothing(flow: Flow, attack: str):
    link = flow.link()

    refused = flow.choose(link, **FORMS[attack])

    assert 403 == refused.status_code
    assert 0 == flow.count("connect_attempt")
    assert 303 == flow.choose(link).status_code


def test_a_forms_token_is_of_one_browser_and_of_one_link(flow: Flow):
    link, other_link = flow.link(), flow.link()
    token = form_token(flow.browser.get(link).text)
    form = {"form_token": token, "provider": flow.side.provider}

    elsewhere = flow.browser.post(other_link, data=form)
    by_another = flow.another().post(link, data=form)

    assert (403, 403) == (elsewhere.status_code, by_another.status_code)
    assert 0 == flow.count("connect_attempt")


@pytest.mark.parametrize("provider", ["", "other", "evil", "gmail "])
def test_a_provider_that_is_not_offered_begins_nothing(flow: Flow, provider: str):
    if provider == "other":
        provider = {GMAIL: GRAPH, GRAPH: GMAIL}[flow.side.provider]

    assert 422 == flow.choose(flow.link(), provider=provider).status_code
    assert 0 == flow.count("connect_attempt")


def pages(flow: Flow) -> list[httpx.Response]:
    """Return every page and step of the way."""
    link = flow.link()
    page = flow.browser.get(link)
    url = flow.choose(link)
    flow.stand_in.consent_denied()
    denied = flow.come_back(flow.browser.get(url.headers["location"]).headers["location"])
    told = flow.browser.get(f"{flow.url}{denied.headers['location']}")
    gone = flow.browser.get(f"{flow.url}/connect/nothing")
    return [page, url, denied, told, gone, flow.browser.get(f"{flow.url}/oauth/ended/forged")]


def test_no_page_can_be_framed_scripted_cached_or_referred_from(flow: Flow):
    for page in pages(flow):
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe-inline" not in policy
        assert "DENY" == page.headers["x-frame-options"]
        assert "no-referrer" == page.headers["referrer-policy"]
        assert "no-store" == page.headers["cache-control"]
        assert "nosniff" == page.headers["x-content-type-options"]
        assert "<script" not in page.text
        assert not re.search(r"\son\w+=", page.text)


def test_the_form_may_lead_to_the_provider_and_back_to_the_crm_only(flow: Flow):
    policy = flow.browser.get(flow.link()).headers["content-security-policy"]

    (actions,) = re.findall(r"form-action ([^;]+)", policy)
    assert {"'self'", flow.stand_in.url, "http://127.0.0.1:9"} == set(actions.split())


def test_the_browsers_secret_is_out_of_reach_for_scripts_and_other_sites(flow: Flow):
    page = flow.browser.get(flow.link())

    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Path=/;" in cookie
    assert "domain" not in cookie.lower()


def test_behind_tls_no_other_host_can_set_the_cookie(flow: Flow):
    settings = flow.service.settings.model_copy(update={"public_url": "https://mail.example"})
    service, response = Service(settings), Response()

    browser.give(response, service, "secret")

    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-leadmail_connect=secret;")
    assert "; Secure" in cookie


def secrets_of(flow: Flow, mailbox: str, back: str, link: str) -> dict[str, str]:
    """Return everything on the way that nobody else may learn."""
    grant, answer, form = flow.grant(mailbox), query_of(back), flow.tamper.forms[0]
    return {
        "refresh token": grant.secret,
        "access token": grant.access_token,
        "code": answer["code"],
        "state": answer["state"],
        "verifier": form["code_verifier"],
        "client secret": form["client_secret"],
        "id token": str(flow.tamper.answers[0]["id_token"]),
        "link": link.rpartition("/")[2],
        "subject": grant.subject,
        "address": str(flow.crm.get(f"/v1/mailboxes/{mailbox}")["address"]),
        "cookie": next(iter(flow.browser.cookies.values())),
    }


def test_no_secret_is_in_a_log_a_page_an_address_or_a_table(
    flow: Flow, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    link, person = flow.link(), flow.person()
    back = flow.agree(flow.begin(link), person)
    answer = flow.come_back(back)
    mailbox = flow.connected(answer)
    repeated = flow.come_back(back)
    told = flow.browser.get(f"{flow.url}{repeated.headers['location']}")

    secrets = secrets_of(flow, mailbox, back, link)
    said = capfd.readouterr()
    logs = said.out + said.err + caplog.text
    shown = told.text + json.dumps(flow.crm.get("/v1/changes"))
    urls = answer.headers["location"] + repeated.headers["location"]
    tables = dump(flow)
    for name, secret in secrets.items():
        assert secret not in logs, name
        assert secret not in shown, name
        assert secret not in urls, name
        assert secret not in tables, name
        assert secret.encode().hex() not in tables, name
    # The control: the log was listened to, and the tables were read.
    assert "connect_answered" in logs
    assert str(flow.tenant.id) in tables


def dump(flow: Flow) -> str:
    """Return all rows of the workspace as text."""
    tables = "mailbox mailbox_grant connect_link connect_attempt integration change".split()
    with flow.service.store.workspace(flow.tenant.id) as connection:
        return "\n".join(
            row
            for table in tables
            for row in connection.scalars(text(f"SELECT t::text FROM {table} t"))
        )


@pytest.mark.parametrize("answer", ["refused", "hanging up", "not JSON"])
def test_no_secret_is_in_what_is_logged_of_a_failure(
    flow: Flow,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    answer: str,
):
    instead = {
        "refused": (400, b'{"error": "invalid_grant", "error_description": "echo"}'),
        "hanging up": (500, b"echo"),
        "not JSON": (200, b"echo"),
    }[answer]
    flow.tamper.instead = (*instead, {})
    back = flow.agree(flow.begin(), flow.person())

    flow.come_back(back)

    said = capfd.readouterr()
    logs = said.out + said.err + caplog.text
    form = flow.tamper.forms[0]
    assert "connect_refused" in logs
    for secret in (form["code"], form["code_verifier"], form["client_secret"], "echo"):
        assert secret not in logs
