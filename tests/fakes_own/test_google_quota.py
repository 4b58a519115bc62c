"""Units, limits and failures on demand, and what is counted."""

from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from googleapiclient.errors import HttpError

from tests.fakes_own.clients import error_of, gmail, mail


def call(google, token: str, timeout: float = 5):
    connection = http.client.HTTPConnection(google.url.removeprefix("http://"), timeout=timeout)
    try:
        connection.request(
            "GET", "/gmail/v1/users/me/profile", headers={"authorization": f"Bearer {token}"}
        )
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_every_method_costs_its_units(anna, users):
    message_id = anna.deliver(mail())
    users.getProfile(userId="me").execute()
    users.labels().list(userId="me").execute()
    users.messages().list(userId="me", q="offer").execute()
    users.messages().get(userId="me", id=message_id, format="minimal").execute()
    history_id = users.getProfile(userId="me").execute()["historyId"]
    users.history().list(userId="me", startHistoryId=history_id).execute()

    spent = anna.counters().units

    assert {
        "gmail.users.getProfile": 2,
        "gmail.users.labels.list": 1,
        "gmail.users.messages.list": 5,
        "gmail.users.messages.get": 20,
        "gmail.users.history.list": 2,
    } == dict(spent)


def test_a_spent_minute_is_refused_until_it_is_over(google, anna, users):
    google.set_quota(units_per_minute=40)
    message_id = anna.deliver(mail())
    get = users.messages().get(userId="me", id=message_id)
    get.execute()
    get.execute()

    refused = error_of(get)
    google.advance(timedelta(seconds=61))

    assert (403, "userRateLimitExceeded") == refused
    assert message_id == get.execute()["id"]


def test_one_user_s_budget_is_not_another_s(google, anna, users):
    google.set_quota(units_per_minute=1)
    users.getProfile(userId="me").execute()
    bert = google.add_account("bert@firm.example")

    with gmail(google, bert) as others:
        assert "bert@firm.example" == others.getProfile(userId="me").execute()["emailAddress"]
    assert (403, "userRateLimitExceeded") == error_of(users.getProfile(userId="me"))


def test_a_refusal_says_when_to_come_back(google, users):
    google.set_quota(units_per_minute=1, over="tooManyRequests")
    users.getProfile(userId="me").execute()

    with pytest.raises(HttpError) as refused:
        users.getProfile(userId="me").execute()

    assert 429 == refused.value.resp.status
    assert 0 < int(refused.value.resp["retry-after"]) <= 60
    assert "Retry after 20" in refused.value.reason


def test_prices_can_be_changed(google, anna, users):
    google.set_quota(units={"gmail.users.getProfile": 7})

    users.getProfile(userId="me").execute()

    assert 7 == anna.counters().units.total()


@pytest.mark.parametrize(
    ("status", "what"),
    [
        (403, "rateLimitExceeded"),
        (403, "dailyLimitExceeded"),
        (403, "insufficientPermissions"),
        (429, "tooManyRequests"),
        (500, "backendError"),
        (503, "serviceUnavailable"),
        (401, "authError"),
        (404, "notFound"),
    ],
)
def test_the_next_call_fails_as_ordered_and_costs_nothing(status, what, google, anna):
    token = anna.grant()["access_token"]
    google.fail_next(what, method="gmail.users.getProfile")

    refused = call(google, token)["error"]["code"]
    units = anna.counters().units.total()
    answered = call(google, token)["emailAddress"]

    assert (status, 0, "anna@firm.example") == (refused, units, answered)


def test_a_failure_waits_for_its_user_its_method_and_its_turn(google, anna, users):
    google.fail_next("backendError", address="bert@firm.example")
    google.fail_next("backendError", method="gmail.users.labels.*", skip=1)
    users.getProfile(userId="me").execute()
    users.labels().list(userId="me").execute()

    assert (500, "backendError") == error_of(users.labels().list(userId="me"))


def test_a_body_can_be_cut(google, anna):
    google.fail_next("truncated")

    with pytest.raises(http.client.IncompleteRead):
        call(google, anna.grant()["access_token"])


def test_a_connection_can_be_dropped(google, anna):
    google.fail_next("dropped")

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        call(google, anna.grant()["access_token"])


def test_an_answer_can_hang_and_others_are_served(google, anna):
    token = anna.grant()["access_token"]
    google.fail_next("hanging")

    with pytest.raises(TimeoutError):
        call(google, token, timeout=0.2)
    assert "anna@firm.example" == call(google, token)["emailAddress"]


def test_a_delay_shows_how_many_call_at_once(google, anna):
    token = anna.grant()["access_token"]
    google.delay(timedelta(milliseconds=200), "gmail.*")
    began = time.monotonic()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: call(google, token), range(4)))

    assert 0.2 <= time.monotonic() - began < 0.7
    assert 4 == google.counters().most_in_flight


def test_what_was_asked_for_is_counted(google, anna, users):
    message_id = anna.deliver(mail())
    google.throttle(1, method="gmail.users.messages.get")
    messages = users.messages()
    error_of(messages.get(userId="me", id=message_id, format="raw"))
    messages.get(userId="me", id=message_id, format="minimal").execute()
    messages.list(userId="me", q="from:lead").execute()

    seen = anna.counters()

    assert [(message_id, "raw"), (message_id, "minimal")] == [
        (asked.id, asked.format) for asked in seen.messages
    ]
    assert {message_id} == seen.ids
    assert ["from:lead"] == seen.queries
    assert [("gmail.users.messages.get", "anna@firm.example", 429)] == [
        (refused.method, refused.address, refused.status) for refused in google.counters().refused
    ]


def test_counters_can_begin_anew(google, anna, users):
    users.getProfile(userId="me").execute()

    google.reset_counters()

    assert 0 == google.counters().units
