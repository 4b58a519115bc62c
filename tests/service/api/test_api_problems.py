"""Malformed calls: a problem that names the field, never the value, and never an error of ours."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.service.api.calls import Crm
from web.frame import MAX_BODY

SECRET = "s3cret-value"
MAILBOX: dict[str, Any] = {
    "provider": "imap",
    "user": "u1",
    "address": "u@firm.example",
    "host": "127.0.0.1",
    "port": 1,
    "security": "plain",
    "username": "u",
    "password": "p",
}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "/v1/leads/a", {"addresses": [SECRET]}, "addresses.0"),
        ("PUT", "/v1/leads/a", {"addresses": ["a@b.example", SECRET]}, "addresses.1"),
        ("PUT", "/v1/leads/a", {"addresses": SECRET}, "addresses"),
        ("PUT", "/v1/leads/a", {"addresses": [17]}, "addresses.0"),
        ("PUT", "/v1/leads/a", {"domains": [f"{SECRET}@x"]}, "domains.0"),
        ("PUT", "/v1/leads/a", {"domains": ["localhost"]}, "domains.0"),
        ("PUT", "/v1/leads/a", {"name": 5}, "name"),
        ("PUT", "/v1/leads/a", {"name": SECRET * 100}, "name"),
        ("PUT", "/v1/leads/a", {"nmae": SECRET}, "nmae"),
        ("PUT", "/v1/leads/a", {"name": "\ud800"}, "name"),
        ("PUT", "/v1/leads/a", [], "body"),
        ("PUT", "/v1/leads/a", None, "body"),
        ("PUT", "/v1/leads/" + "a" * 201, {}, "lead"),
        ("PUT", "/v1/leads", {"items": [{"name": "x"}]}, "items.0.id"),
        ("PUT", "/v1/leads", {"items": [{"id": ""}]}, "items.0.id"),
        ("PUT", "/v1/leads", {"items": [{"id": "a"}] * 1001}, "items"),
        ("GET", "/v1/leads?limit=0", None, "limit"),
        ("GET", "/v1/leads?limit=201", None, "limit"),
        ("GET", f"/v1/leads?limit={SECRET}", None, "limit"),
        ("GET", f"/v1/leads?cursor={SECRET}", None, "cursor"),
        ("GET", "/v1/leads?cursor=MQ.x", None, "cursor"),
        ("GET", "/v1/leads?cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", None, "cursor"),
        ("GET", "/v1/changes?after=MQ", None, "cursor"),
        ("GET", "/v1/statistics?by=correspondent", None, "by"),
        ("GET", f"/v1/statistics?from={SECRET}", None, "from"),
        ("GET", "/v1/statistics?from=2026-03-02&to=2026-03-01", None, "to"),
        ("POST", "/v1/mailboxes", MAILBOX | {"provider": SECRET}, "provider"),
        ("POST", "/v1/mailboxes", MAILBOX | {"port": 0}, "port"),
        ("POST", "/v1/mailboxes", MAILBOX | {"port": SECRET}, "port"),
        ("POST", "/v1/mailboxes", MAILBOX | {"security": SECRET}, "security"),
        ("POST", "/v1/mailboxes", MAILBOX | {"address": SECRET}, "address"),
        ("POST", "/v1/mailboxes", MAILBOX | {"since": "2026-03-02"}, "since"),
        ("POST", "/v1/mailboxes", MAILBOX | {"folders": []}, "folders"),
        ("POST", "/v1/mailboxes", MAILBOX | {"access_token": SECRET}, "password"),
        ("POST", "/v1/mailboxes", MAILBOX | {"password": None}, "password"),
        ("POST", "/v1/erasures", {"instructed_by": "x", "reference": "y"}, "address"),
        ("POST", "/v1/erasures", {"lead": "a"}, "instructed_by"),
        (
            "POST",
            "/v1/erasures",
            {"lead": "a", "mailbox": "1", "instructed_by": "x", "reference": "y"},
            "address",
        ),
        (
            "POST",
            "/v1/erasures",
            {"address": SECRET, "instructed_by": "x", "reference": "y"},
            "address",
        ),
        ("POST", "/v1/revocations", {"instructed_by": "x", "reference": "y"}, "user"),
        (
            "POST",
            "/v1/revocations",
            {"all": False, "instructed_by": "x", "reference": "y"},
            "all",
        ),
        ("PUT", "/v1/policy", {"own_domains": [SECRET]}, "own_domains.0"),
        ("PUT", "/v1/policy", {"blocked": {"addresses": [SECRET]}}, "blocked.addresses.0"),
        ("PUT", "/v1/policy", {"role_cap": -1}, "role_cap"),
    ],
)
def test_a_malformed_call_names_the_field_and_not_the_value(
    same_crm: Crm, method: str, path: str, body: Any, field: str
):
    answer = same_crm.call(
        method, path, content=None if body is None else json.dumps(body), headers=JSON
    )

    assert 422 == answer.status_code
    problem = answer.json()
    assert "application/problem+json" == answer.headers["content-type"]
    assert "http://crm.example/problems/invalid" == problem["type"]
    assert {"type", "title", "status", "detail", "errors"} == problem.keys()
    assert field in [error["field"] for error in problem["errors"]]
    assert SECRET not in answer.text


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status", "kind"),
    [
        ("PUT", "/v1/leads/a", b"{", JSON, 400, "malformed"),
        ("PUT", "/v1/leads/a", b"\xff\xfe", JSON, 400, "malformed"),
        ("PUT", "/v1/leads/a", b'{"name": NaN', JSON, 400, "malformed"),
        ("PUT", "/v1/leads/a", b"[" * 100_000, JSON, 400, "malformed"),
        ("PUT", "/v1/leads/a", b'{"name": "' + b"x" * MAX_BODY + b'"}', JSON, 413, "too-large"),
        ("PUT", "/v1/leads/a", b"name=x", {"Content-Type": "text/plain"}, 422, "invalid"),
        ("GET", "/v1/nothing", b"", {}, 404, "not-found"),
        ("GET", "/v1/leads/none", b"", {}, 404, "not-found"),
        ("GET", "/v1/mailboxes/none", b"", {}, 404, "not-found"),
        ("GET", "/v1/mailboxes/0", b"", {}, 404, "not-found"),
        ("GET", "/v1/mailboxes/99999999999999999999", b"", {}, 404, "not-found"),
        ("GET", "/v1/mailboxes/%00", b"", {}, 404, "not-found"),
        ("GET", "/v1/mailboxes/%C2%B2", b"", {}, 404, "not-found"),
        ("GET", "/v1/messages/zz", b"", {}, 404, "not-found"),
        ("GET", "/v1/messages/" + "a" * 32, b"", {}, 404, "not-found"),
        ("GET", "/v1/messages/" + "A" * 32, b"", {}, 404, "not-found"),
        ("GET", "/v1/attachments/-", b"", {}, 404, "not-found"),
        ("GET", "/v1/attachments/" + "a" * 32 + "-1", b"", {}, 404, "not-found"),
        ("GET", "/v1/conversations/1.5/messages", b"", {}, 404, "not-found"),
        ("GET", "/v1/erasures/-1", b"", {}, 404, "not-found"),
        ("PATCH", "/v1/mailboxes/7", b"{}", JSON, 404, "not-found"),
        ("DELETE", "/v1/leads", b"", {}, 405, "method-not-allowed"),
        ("POST", "/v1/leads/a", b"{}", JSON, 405, "method-not-allowed"),
        (
            "POST",
            "/v1/erasures",
            b'{"workspace": true, "instructed_by": "x", "reference": "y"}',
            JSON,
            422,
            "not-available",
        ),
    ],
)
def test_a_wrong_call_is_a_problem_of_a_stable_type(
    same_crm: Crm,
    method: str,
    path: str,
    content: bytes,
    headers: dict[str, str],
    status: int,
    kind: str,
):
    answer = same_crm.call(method, path, content=content, headers=headers)

    assert (status, "application/problem+json") == (
        answer.status_code,
        answer.headers["content-type"],
    )
    assert (f"http://crm.example/problems/{kind}", status) == (
        answer.json()["type"],
        answer.json()["status"],
    )


def test_every_type_of_a_problem_can_be_looked_up(crm: Crm):
    type_ = crm.call("GET", "/v1/leads/none").json()["type"]

    page = crm.client.get(urlsplit(type_).path)

    assert 200 == page.status_code
    assert "Not found" in page.text
    assert 404 == crm.client.get("/problems/nonsense").status_code


def test_an_endless_body_is_cut_off(crm: Crm):
    host = urlsplit(str(crm.client.base_url))
    head = (
        "PUT /v1/leads/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {crm.tenant.admin}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with socket.create_connection((host.hostname, host.port), timeout=20) as connection:
        connection.sendall(head.encode())
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 16 * MAX_BODY:
                connection.sendall(chunk)
                sent += len(chunk)

    assert sent < 16 * MAX_BODY
    assert 200 == crm.call("GET", "/v1/leads").status_code


def test_an_error_of_ours_shows_and_logs_nothing_that_was_sent(
    crm: Crm, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object, **__: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr("web.api.leads.lead_out", fail)

    with caplog.at_level(logging.DEBUG):
        answer = crm.call("PUT", f"/v1/leads/{SECRET}", json={"name": SECRET})

    assert 500 == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    assert SECRET not in answer.text
    assert "request_failed" in caplog.text
    assert SECRET not in "".join(
        record.getMessage() for record in caplog.records if record.name != "httpx"
    )


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/v1/leads", "/healthz", "/nothing"], ids=lambda path: path
)
def test_every_answer_has_the_headers_that_browsers_obey(same_crm: Crm, path: str):
    headers = same_crm.call("GET", path).headers

    assert "nosniff" == headers["x-content-type-options"]
    assert "no-referrer" == headers["referrer-policy"]
    assert "DENY" == headers["x-frame-options"]
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_garbage_on_the_socket_disturbs_nobody(crm: Crm):
    host = urlsplit(str(crm.client.base_url))
    with socket.create_connection((host.hostname, host.port), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01 not http\r\n\r\n")
        connection.recv(100)

    assert 200 == crm.call("GET", "/healthz").status_code
