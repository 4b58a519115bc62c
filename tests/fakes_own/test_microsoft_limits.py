"""Batches and limits: how much one app may ask of a mailbox, and what goes wrong on demand."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from tests.fakes_own.clients import mail
from tests.fakes_own.outlook import IMMUTABLE


def batch(graph, *asked, status=200, **more):
    """Send a batch and return its answers by id."""
    requests = [
        {"id": str(n), "method": "GET", "url": url, "headers": {"prefer": IMMUTABLE}} | more
        for n, url in enumerate(asked)
    ]
    answer = graph.ask("POST", "/$batch", json={"requests": requests})
    assert status == answer.status_code, answer.text
    return {each["id"]: each for each in answer.json().get("responses", [])}


def test_at_most_four_are_let_in_at_once_and_the_rest_are_told_when_to_come_back(
    microsoft, eva, graph
):
    microsoft.delay(timedelta(milliseconds=300), "graph.messages.*")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: graph.ask("GET", "/me/messages"), range(8)))

    assert [200] * 4 + [429] * 4 == sorted(each.status_code for each in answers)
    refused = next(each for each in answers if each.status_code == 429)
    assert ("1", "ApplicationThrottled") == (
        refused.headers["retry-after"],
        refused.json()["error"]["code"],
    )
    assert "MailboxConcurrency" in refused.json()["error"]["message"]
    assert (8, 0) == (eva.counters().most_at_once, eva.counters().at_once)


def test_ten_thousand_in_ten_minutes_and_more_when_they_are_over(microsoft, graph):
    microsoft.set_limits(requests=3)
    path = "/me/mailFolders/inbox?$select=id"

    statuses = [graph.ask("GET", path).status_code for _ in range(4)]
    refused = graph.ask("GET", path)
    microsoft.advance(timedelta(minutes=10, seconds=1))

    assert [200, 200, 200, 429] == statuses
    assert 590 < int(refused.headers["retry-after"]) <= 600
    assert 200 == graph.ask("GET", path).status_code


def test_limits_are_of_one_mailbox(microsoft, eva, graph):
    microsoft.set_limits(requests=1)
    max_ = microsoft.add_account("max@firm.example").grant()["access_token"]

    statuses = [
        graph.ask("GET", "/me/messages", token=token).status_code for token in (None, max_, None)
    ]

    assert [200, 200, 429] == statuses


def test_the_parts_of_a_batch_are_answered_one_by_one(eva, graph):
    message_id = eva.deliver(mail())

    answers = batch(
        graph,
        f"/me/messages/{message_id}?$select=id",
        f"me/messages/{message_id}/$value",
        "/me/messages/" + "A" * 60,
        "/me/unheard-of",
    )

    assert [200, 200, 404, 400] == [each["status"] for each in answers.values()]
    assert message_id == answers["0"]["body"]["id"]
    assert eva.raw(message_id) == base64.b64decode(answers["1"]["body"])
    assert "ErrorItemNotFound" == answers["2"]["body"]["error"]["code"]
    assert 1 == eva.counters().calls["graph.batch"]


def test_parts_that_depend_on_nothing_are_all_at_once(eva, graph):
    ids = [eva.deliver(mail()) for _ in range(6)]

    answers = batch(graph, *(f"/me/messages/{each}?$select=id" for each in ids))

    assert [200] * 4 + [429] * 2 == [each["status"] for each in answers.values()]
    assert "1" == answers["5"]["headers"]["Retry-After"]
    assert 6 == eva.counters().most_at_once


def test_parts_in_a_row_are_one_at_a_time_until_one_fails(eva, graph):
    ids = [*(eva.deliver(mail()) for _ in range(6)), "A" * 60, "B" * 60]
    requests = [
        {"id": str(n), "method": "GET", "url": f"/me/messages/{each}"}
        | ({"dependsOn": [str(n - 1)]} if n else {})
        for n, each in enumerate(ids)
    ]

    answer = graph.ask("POST", "/$batch", json={"requests": requests}).json()

    assert [200] * 6 + [404, 424] == [each["status"] for each in answer["responses"]]
    assert (1, 0) == (eva.counters().most_at_once, eva.counters().at_once)


def test_a_batch_says_for_each_part_which_ids_it_prefers(eva, graph):
    message_id = eva.deliver(mail())

    (answer,) = batch(graph, "/me/messages?$select=id", headers={}).values()

    assert [eva.rest_id(message_id)] == [each["id"] for each in answer["body"]["value"]]
    assert {"graph.messages.list": 1} == eva.counters().mutable


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"id": str(n), "method": "GET", "url": "/me"} for n in range(21)],
        [{"id": "1", "method": "GET", "url": "/me"}] * 2,
        [{"id": "1", "method": "GET", "url": "/me", "dependsOn": ["2"]}],
        [{"id": "1", "method": "GET", "url": "/me", "dependsOn": ["1"]}],
        [{"id": "1", "method": "GET"}],
        [{"id": 1, "method": "GET", "url": "/me"}],
        [{"id": "1", "method": "POST", "url": "/me", "body": {}}],
        "nothing",
    ],
)
def test_a_batch_that_is_none_is_refused(requests, graph):
    assert (400, "BadRequest") == graph.refusal("/$batch", "POST", json={"requests": requests})


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ("TooManyRequests", 429),
        ("ServiceUnavailable", 503),
        ("GatewayTimeout", 504),
        ("MailboxNotEnabledForRESTAPI", 404),
        ("ErrorInternalServerError", 500),
    ],
)
def test_a_call_fails_on_demand_and_says_when_to_come_back(what, status, microsoft, eva, graph):
    microsoft.fail_next(what, method="graph.messages.list", retry_after=timedelta(seconds=7))

    answers = [graph.ask("GET", "/me/messages") for _ in range(2)]

    assert [status, 200] == [each.status_code for each in answers]
    assert (what, "7") == (
        answers[0].json()["error"]["code"],
        answers[0].headers["retry-after"],
    )
    assert (0, [status]) == (
        eva.counters().at_once,
        [each.status for each in microsoft.counters().refused],
    )


def test_one_part_of_a_batch_fails_on_demand(microsoft, graph):
    microsoft.throttle(method="graph.messages.list", retry_after=timedelta(seconds=3))

    answers = batch(graph, "/me/messages", "/me/messages", "/me/mailFolders")

    assert [429, 200, 200] == [each["status"] for each in answers.values()]
    assert "3" == answers["0"]["headers"]["Retry-After"]


@pytest.mark.parametrize("what", ["truncated", "dropped"])
@pytest.mark.parametrize(
    ("method", "ask"),
    [
        ("graph.messages.list", lambda graph: graph.get("/me/messages")),
        ("graph.batch", lambda graph: batch(graph, "/me/messages?$select=id")),
    ],
)
def test_a_line_breaks_on_demand_and_nothing_stays_open(what, method, ask, microsoft, eva, graph):
    microsoft.fail_next(what, method=method)

    with pytest.raises(httpx.RemoteProtocolError):
        ask(graph)

    assert 200 == graph.ask("GET", "/me/messages").status_code
    assert 0 == eva.counters().at_once
