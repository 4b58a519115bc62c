"""What the CRM's operator registers, and what the API and the command line say of it."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from tests.service.oauth.ground import RETURN, Flow
from tests.service.oauth.test_oauth_races import environment
from worker.cli import app
from worker.integration import return_urls


def test_the_registered_addresses_are_replaced_as_a_whole(flow: Flow):
    urls = ["https://crm.example/back", "https://crm.example/back?client=4"]

    put = flow.crm.call("PUT", "/v1/integration", json={"return_urls": [*urls, urls[0]]})

    assert 200 == put.status_code
    assert urls == put.json()["return_urls"] == flow.crm.get("/v1/integration")["return_urls"]
    assert ["gmail", "imap"] == put.json()["providers"]
    assert f"{flow.url}/oauth/callback" == put.json()["redirect_uri"]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_only_an_admin_registers(flow: Flow, method: str):
    body: dict[str, Any] = {"json": {"return_urls": []}} if method == "PUT" else {}

    answer = flow.crm.call(method, "/v1/integration", key=flow.tenant.crm, **body)

    assert 403 == answer.status_code
    assert [RETURN] == flow.crm.get("/v1/integration")["return_urls"]


def test_another_client_has_addresses_of_its_own(make_flow):
    mine, theirs = make_flow(), make_flow("Other Ltd")
    mine.crm.call("PUT", "/v1/integration", json={"return_urls": ["https://mine.example/"]})

    assert [RETURN] == theirs.crm.get("/v1/integration")["return_urls"]
    body = {"user": "7", "return_url": "https://mine.example/"}
    assert 422 == theirs.crm.call("POST", "/v1/connect", json=body).status_code
    assert 201 == mine.crm.call("POST", "/v1/connect", json=body).status_code


def test_the_command_line_adds_an_address(flow: Flow):
    runner = CliRunner(env=environment(flow))
    at = ["workspace", "return-url", str(flow.tenant.id)]

    added = runner.invoke(app, [*at, "https://crm.example/back"])
    refused = runner.invoke(app, [*at, "http://crm.example/back"])
    nowhere = runner.invoke(app, ["workspace", "return-url", "999999", "https://crm.example/"])

    assert (0, 2, 1) == (added.exit_code, refused.exit_code, nowhere.exit_code)
    assert (RETURN, "https://crm.example/back") == return_urls(flow.service, flow.tenant.id)


def test_the_crms_key_is_enough_to_connect(flow: Flow):
    body = {"user": "7", "return_url": RETURN}

    assert 201 == flow.crm.call("POST", "/v1/connect", key=flow.tenant.crm, json=body).status_code


def test_a_repeated_call_gets_the_same_link(flow: Flow):
    more: dict[str, Any] = {
        "json": {"user": "7", "return_url": RETURN},
        "headers": {"Idempotency-Key": "k"},
    }

    first, second = (flow.crm.call("POST", "/v1/connect", **more) for _ in range(2))

    assert first.json() == second.json()
    assert 1 == flow.count("connect_link")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"address": "nobody"}, "address"),
        ({"user": ""}, "user"),
        ({"provider": "yahoo"}, "provider"),
        ({"since": "yesterday"}, "since"),
        ({"return_url": None}, "return_url"),
        ({"other": 1}, "other"),
    ],
)
def test_a_wrong_field_is_named(flow: Flow, change: dict[str, object], field: str):
    body = {"user": "7", "return_url": RETURN, **change}

    answer = flow.crm.call("POST", "/v1/connect", json=body)

    assert 422 == answer.status_code
    assert [field] == [one["field"] for one in answer.json()["errors"]]


def test_the_calls_are_described(flow: Flow):
    paths = flow.crm.client.get("/openapi.json").json()["paths"]

    for path in ("/v1/connect", "/v1/integration", "/v1/delegations"):
        assert path in paths
    for hidden in ("/oauth/callback", "/hooks/google/risc", "/connect/{secret}"):
        assert hidden not in paths
