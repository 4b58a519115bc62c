"""What Entra's errors mean: by their OAuth names, and by its codes where those say less."""

from __future__ import annotations

import json

import pytest

from connectors.errors import ConnectorError, Misbehaved, Unreachable
from connectors.oauth import (
    AdminWanted,
    ClientRefused,
    CodeRefused,
    Denied,
    GrantEnded,
    InteractionWanted,
)
from connectors.oauth.microsoft.provider import capable
from connectors.oauth.microsoft.refusals import by_browser, by_token, claims_in, lacking
from connectors.oauth.wire import Reply

MFA = '{"access_token":{"capolids":{"essential":true,"values":["x"]}}}'


@pytest.mark.parametrize(
    ("error", "code", "meant"),
    [
        ("access_denied", 65004, Denied),
        ("access_denied", None, Denied),
        ("access_denied", 90094, AdminWanted),
        ("access_denied", 90095, AdminWanted),
        ("consent_required", None, AdminWanted),
        ("interaction_required", 50076, InteractionWanted),
        ("login_required", 50058, InteractionWanted),
        ("temporarily_unavailable", 90033, Unreachable),
        ("server_error", None, Unreachable),
        ("invalid_request", 50011, ClientRefused),
        ("unauthorized_client", None, ClientRefused),
        ("something new", 99999, ClientRefused),
        ("", None, ClientRefused),
    ],
)
def test_what_a_browser_brings_back(error: str, code: int | None, meant: type[ConnectorError]):
    description = "" if code is None else f"AADSTS{code}: Why, at length.\r\nTrace ID: 1"

    assert type(by_browser(error, description)) is meant


def reply(error: str, *codes: int, **more: object) -> Reply:
    body = {"error": error, "error_codes": list(codes), "error_description": "x", **more}
    return Reply(400, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("refused", "of_code", "of_refresh"),
    [
        (reply("invalid_grant", 54005), CodeRefused, GrantEnded),
        (reply("invalid_grant", 70008), CodeRefused, GrantEnded),
        (reply("invalid_grant", 50173), CodeRefused, GrantEnded),
        (reply("invalid_grant"), CodeRefused, GrantEnded),
        (reply("invalid_grant", 65001, suberror="consent_required"), AdminWanted, GrantEnded),
        (reply("invalid_grant", 50076, claims=MFA), InteractionWanted, InteractionWanted),
        (reply("interaction_required", 50079), InteractionWanted, InteractionWanted),
        (reply("invalid_grant", 50196), Unreachable, Unreachable),
        (reply("temporarily_unavailable", 90033), Unreachable, Unreachable),
        (reply("invalid_client", 7000215), ClientRefused, ClientRefused),
        (reply("invalid_client", 7000222), ClientRefused, ClientRefused),
        (reply("unauthorized_client", 700016), ClientRefused, ClientRefused),
        (reply("invalid_scope", 70011), ClientRefused, ClientRefused),
        (reply("invalid_request", 900144), CodeRefused, Misbehaved),
        (reply("something new"), Misbehaved, Misbehaved),
        (Reply(400, {}, b"<html>"), Misbehaved, Misbehaved),
        (Reply(400, {}, b'{"error": 7, "error_codes": "x"}'), Misbehaved, Misbehaved),
    ],
)
def test_what_the_token_endpoint_refuses(
    refused: Reply, of_code: type[ConnectorError], of_refresh: type[ConnectorError]
):
    assert (of_code, of_refresh) == (type(by_token(refused, code=True)), type(by_token(refused)))


def test_what_is_wanted_of_the_person_is_handed_on():
    wanted = by_token(reply("invalid_grant", 50076, claims=MFA))

    assert isinstance(wanted, InteractionWanted)
    assert MFA == wanted.claims


@pytest.mark.parametrize(
    "value",
    [
        "",
        "7",
        "[]",
        '"x"',
        "{",
        '{"access_token": 7}',
        '{"x": "' + "x" * 5000 + '"}',
        "[" * 3000,
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_claims_challenge_is_not_handed_on(value: str):
    assert "" == claims_in(value)
    assert {"access_token": {"xms_cc": {"values": ["cp1"]}}} == json.loads(capable(value))


def test_a_challenge_keeps_what_it_wants_beside_what_we_can():
    wanted = json.loads(capable(MFA))["access_token"]

    assert {"capolids", "xms_cc"} == set(wanted)


def test_scopes_are_compared_in_any_case():
    assert ["User.Read"] == lacking(["mail.read", "openid"], ["Mail.Read", "User.Read"])
