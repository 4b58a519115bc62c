"""Watches and pushes: who is told of what, in which envelope, with which token."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta

import jwt
import pytest

from tests.fakes.google import TOPIC, Forgery, Google
from tests.fakes_own.clients import error_of, mail
from tests.fakes_own.receiver import Receiver


@pytest.fixture
def receiver(google: Google) -> Iterator[Receiver]:
    with Receiver() as receiver:
        google.settings.push_url = receiver.url
        google.settings.push_interval = timedelta()
        google.settings.push_backoff = timedelta(milliseconds=5)
        yield receiver


def told(google: Google, receiver: Receiver) -> list[dict[str, object]]:
    """Return what was pushed until now."""
    assert google.wait_for_pushes()
    envelopes = [json.loads(each.body) for each in receiver.received]
    return [json.loads(base64.urlsafe_b64decode(each["message"]["data"])) for each in envelopes]


def watch(users, **body):
    return users.watch(userId="me", body={"topicName": TOPIC} | body).execute()


def verified(google: Google, token: str, url: str) -> dict[str, object]:
    key_set = jwt.PyJWKSet.from_dict(google._world.keys.jwks())
    key = key_set[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, object] = jwt.decode(
        token, key, ["RS256"], audience=url, issuer="https://accounts.google.com"
    )
    assert claims["email"] == google.settings.push_service_account
    assert claims["email_verified"] is True
    return claims


def test_a_watch_lasts_seven_days_and_names_the_present_history(google, users):
    started = watch(users)

    days = (int(started["expiration"]) / 1000 - google._world.clock.seconds()) / 86_400
    assert 7 == round(days, 3)
    assert users.getProfile(userId="me").execute()["historyId"] == started["historyId"]


def test_the_start_and_every_change_are_pushed(google, anna, users, receiver):
    anna.deliver(mail())
    started = watch(users)
    message_id = anna.deliver(mail())
    anna.label(message_id, ["STARRED"])

    pushed = told(google, receiver)

    assert ["anna@firm.example"] * 3 == [each["emailAddress"] for each in pushed]
    assert int(started["historyId"]) == pushed[0]["historyId"]
    assert int(users.getProfile(userId="me").execute()["historyId"]) == pushed[2]["historyId"]


def test_an_envelope_is_as_pub_sub_wraps_it(google, users, receiver):
    watch(users)
    told(google, receiver)

    (received,) = receiver.received

    envelope = json.loads(received.body)
    assert {"message", "subscription"} == envelope.keys()
    assert {"data", "messageId", "message_id", "publishTime", "publish_time"} == (
        envelope["message"].keys()
    )
    assert google.settings.subscription == envelope["subscription"]


def test_a_push_has_a_token_that_holds_in_all_points(google, users, receiver):
    watch(users)
    told(google, receiver)

    token = receiver.received[0].headers["authorization"].removeprefix("Bearer ")

    assert receiver.url == verified(google, token, receiver.url)["aud"]


@pytest.mark.parametrize("forgery", [each for each in Forgery if each != "without_token"])
def test_a_forged_push_fails_in_its_point(forgery, google, anna, receiver):
    statuses = anna.push(forgery)

    token = receiver.received[0].headers["authorization"].removeprefix("Bearer ")
    assert [204] == statuses
    with pytest.raises((jwt.PyJWTError, AssertionError)):
        verified(google, token, receiver.url)


def test_a_push_can_come_without_a_token(google, anna, receiver):
    anna.push(Forgery.WITHOUT_TOKEN)

    assert "authorization" not in receiver.received[0].headers


def test_a_push_can_come_twice_late_and_out_of_order(google, anna, receiver):
    anna.push(copies=2, history_id=5, after=timedelta(milliseconds=20))

    pushed = told(google, receiver)
    assert [5, 5] == [each["historyId"] for each in pushed]
    assert 1 == len({json.loads(each.body)["message"]["messageId"] for each in receiver.received})


def test_what_comes_within_a_second_is_dropped(google, anna, users, receiver):
    google.settings.push_interval = timedelta(seconds=1)
    watch(users)
    for _ in range(3):
        anna.deliver(mail())

    assert 1 == len(told(google, receiver))
    assert 3 == google.counters().pushes_dropped["anna@firm.example"]


def test_a_push_is_sent_until_it_is_acknowledged(google, users, receiver):
    receiver.statuses += [500, 429]
    watch(users)

    assert 3 == len(told(google, receiver))
    assert [("anna@firm.example", 500), ("anna@firm.example", 429), ("anna@firm.example", 204)] == (
        google.counters().pushes
    )


def test_labels_choose_what_is_pushed(google, anna, users, receiver):
    watch(users, labelIds=["INBOX"], labelFilterBehavior="include")
    anna.deliver(mail(), labels=["SENT"])
    included = len(told(google, receiver))
    watch(users, labelIds=["INBOX"], labelFilterBehavior="exclude")
    anna.deliver(mail(), labels=["SENT"])
    anna.deliver(mail(), labels=["INBOX"])

    # Both starts are pushed too.
    assert (1, 3) == (included, len(told(google, receiver)))


def test_nothing_is_pushed_after_a_stop_or_the_end(google, anna, users, receiver):
    watch(users)
    users.stop(userId="me").execute()
    anna.deliver(mail())
    stopped = len(told(google, receiver))
    watch(users)
    google.advance(timedelta(days=8))
    anna.deliver(mail())

    assert (1, 2) == (stopped, len(told(google, receiver)))
    assert not anna.is_watched()


@pytest.mark.parametrize(
    ("refused", "body"),
    [
        ((400, "invalidArgument"), {}),
        ((400, "invalidArgument"), {"topicName": "projects/other/topics/gmail"}),
        ((400, "invalidArgument"), {"topicName": TOPIC, "labelIds": ["Label_99"]}),
        ((400, "invalidArgument"), {"topicName": TOPIC, "labelFilterBehavior": "some"}),
        ((400, "badRequest"), {"topicName": TOPIC, "unheard": "of"}),
    ],
)
def test_a_wrong_watch_is_refused(refused, body, users):
    assert refused == error_of(users.watch(userId="me", body=body))


def test_a_topic_that_does_not_exist_is_refused(google, users):
    google.settings.topics = set()

    assert (403, "forbidden") == error_of(users.watch(userId="me", body={"topicName": TOPIC}))


def test_there_is_one_watch_per_user_until_it_is_stopped(users):
    other = {"topicName": f"{TOPIC}-other"}
    watch(users)
    watch(users)

    refused = error_of(users.watch(userId="me", body=other))
    users.stop(userId="me").execute()

    assert (400, "badRequest") == refused
    assert "historyId" in users.watch(userId="me", body=other).execute()
