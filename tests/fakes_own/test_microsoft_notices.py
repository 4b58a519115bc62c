"""Subscriptions and their notices, true, late, forged, and of their own life."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes_own.clients import mail
from tests.fakes_own.outlook import outlook
from tests.fakes_own.receiver import Receiver


@pytest.fixture
def endpoint():
    """Where notices go."""
    with Receiver() as receiver:
        yield receiver


def asked(endpoint, lasts=timedelta(days=6), **changes):
    body = {
        "changeType": "created,updated,deleted",
        "notificationUrl": endpoint.url,
        "lifecycleNotificationUrl": f"{endpoint.url}?life=1",
        "resource": "me/messages",
        "expirationDateTime": (datetime.now(UTC) + lasts).isoformat(),
        "clientState": "secret",
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def subscribe(graph, endpoint, **changes):
    """Subscribe and return the subscription."""
    answer = graph.ask("POST", "/subscriptions", json=asked(endpoint, **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


def notices(endpoint):
    """Return all notices that came, in order."""
    return [each for got in endpoint.received for each in json.loads(got.body)["value"]]


def kinds(endpoint):
    return [each.get("changeType") or each["lifecycleEvent"] for each in notices(endpoint)]


def test_a_subscription_is_made_once_both_endpoints_have_answered(eva, graph, endpoint):
    made = subscribe(graph, endpoint)

    assert 2 == len(endpoint.greeted)
    assert all(" " in each for each in endpoint.greeted)
    assert ("secret", eva.oid) == (made["clientState"], made["creatorId"])
    assert [made["id"]] == [each["id"] for each in graph.get("/subscriptions")["value"]]
    assert graph.get(f"/subscriptions/{made['id']}")["clientState"] is None


def test_each_change_is_told_where_it_was_asked_for(microsoft, eva, graph, endpoint):
    made = subscribe(graph, endpoint)

    message_id = eva.deliver(mail())
    eva.mark_read(message_id)
    eva.move(message_id, "archive")
    eva.delete(message_id)

    assert microsoft.wait_for_notices()
    assert ["created", "updated", "deleted", "created", "deleted"] == kinds(endpoint)
    first = notices(endpoint)[0]
    assert ("secret", made["id"], eva.tid) == (
        *(first["clientState"], first["subscriptionId"]),
        first["tenantId"],
    )
    assert f"Users/{eva.oid}/Messages/{message_id}" == first["resource"]
    assert [204] * 5 == [each.status for each in microsoft.counters().notices]


def test_a_folder_and_a_kind_can_be_chosen(microsoft, eva, graph, endpoint):
    subscribe(graph, endpoint, resource="me/mailFolders('inbox')/messages", changeType="created")

    eva.deliver(mail(), folder="archive")
    eva.mark_read(eva.deliver(mail()))

    assert microsoft.wait_for_notices()
    assert ["created"] == kinds(endpoint)


def test_ids_in_notices_are_those_that_were_preferred(microsoft, eva, graph, endpoint):
    body = asked(endpoint)
    graph.ask("POST", "/subscriptions", json=body, prefer="")

    message_id = eva.deliver(mail())

    assert microsoft.wait_for_notices()
    assert [eva.rest_id(message_id)] == [each["resourceData"]["id"] for each in notices(endpoint)]


def test_loaded_mail_is_not_told(microsoft, eva, graph, endpoint):
    subscribe(graph, endpoint)

    eva.load(mails=[mail()])

    assert microsoft.wait_for_notices()
    assert [] == notices(endpoint)


def test_a_notice_is_sent_until_it_is_acknowledged(microsoft, eva, graph, endpoint):
    microsoft.configure({"notice_backoff": 0.01})
    subscribe(graph, endpoint)
    endpoint.statuses = [500, 503]

    eva.deliver(mail())

    assert microsoft.wait_for_notices()
    assert [500, 503, 204] == [each.status for each in microsoft.counters().notices]


@pytest.mark.parametrize(
    ("refused", "changes"),
    [
        ((400, "InvalidRequest"), {"lasts": timedelta(days=7, minutes=1)}),
        ((400, "InvalidRequest"), {"lasts": -timedelta(minutes=1)}),
        ((400, "InvalidRequest"), {"clientState": "x" * 129}),
        ((400, "InvalidRequest"), {"changeType": "moved"}),
        ((400, "InvalidRequest"), {"changeType": None}),
        ((400, "InvalidRequest"), {"notificationUrl": "http://firm.example/hooks"}),
        ((400, "ValidationError"), {"notificationUrl": "http://127.0.0.1:9/hooks"}),
        ((400, "ValidationError"), {"lifecycleNotificationUrl": "http://127.0.0.1:9/hooks"}),
        ((501, "notImplemented"), {"resource": "me/events"}),
        ((501, "notImplemented"), {"includeResourceData": True}),
        ((404, "ErrorInvalidUser"), {"resource": "users/nobody@firm.example/messages"}),
        ((403, "ErrorAccessDenied"), {"resource": "users/max@firm.example/messages"}),
        ((404, "ErrorItemNotFound"), {"resource": f"me/mailFolders('{'A' * 60}')/messages"}),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(refused, changes, microsoft, graph, endpoint):
    microsoft.add_account("max@firm.example").share_with("eva@firm.example")

    answer = graph.refusal("/subscriptions", "POST", json=asked(endpoint, **changes))

    assert refused == answer
    assert [] == graph.get("/subscriptions")["value"]


def test_an_endpoint_that_answers_with_something_else_is_no_endpoint(graph, endpoint):
    endpoint.is_rude = True

    refused = graph.refusal("/subscriptions", "POST", json=asked(endpoint))

    assert (400, "ValidationError") == refused


def test_a_short_life_is_made_longer_and_ends_unless_it_is_renewed(microsoft, eva, graph, endpoint):
    short = subscribe(graph, endpoint, lasts=timedelta(minutes=1))
    ends = datetime.fromisoformat(short["expirationDateTime"])
    kept = subscribe(graph, endpoint, lasts=timedelta(hours=1))

    later = (datetime.now(UTC) + timedelta(days=6)).isoformat()
    renewed = graph.ask("PATCH", f"/subscriptions/{kept['id']}", json={"expirationDateTime": later})
    microsoft.advance(timedelta(hours=2))
    token = eva.grant()["access_token"]

    assert timedelta(minutes=44) < ends - datetime.now(UTC)
    assert 200 == renewed.status_code
    assert [kept["id"]] == [
        each["id"] for each in graph.get("/subscriptions", token=token)["value"]
    ]


def test_a_lifecycle_url_cannot_be_added_later(graph, endpoint):
    made = subscribe(graph, endpoint, lifecycleNotificationUrl=None)

    refused = graph.refusal(
        f"/subscriptions/{made['id']}", "PATCH", json={"lifecycleNotificationUrl": endpoint.url}
    )

    assert (400, "BadRequest") == refused


def test_who_did_not_make_it_does_not_see_it(microsoft, graph, endpoint):
    made = subscribe(graph, endpoint)
    other = outlook(microsoft, microsoft.add_account("max@firm.example"))

    assert [] == other.get("/subscriptions")["value"]
    for verb in ("GET", "DELETE"):
        assert (404, "ResourceNotFound") == other.refusal(f"/subscriptions/{made['id']}", verb)
    other.client.close()


def test_a_deleted_one_is_told_no_more_but_a_late_notice_may_come(microsoft, eva, graph, endpoint):
    made = subscribe(graph, endpoint)

    assert 204 == graph.ask("DELETE", f"/subscriptions/{made['id']}").status_code
    eva.deliver(mail())

    assert microsoft.wait_for_notices()
    assert [] == notices(endpoint)
    assert [204] == eva.notify(subscription=made["id"])
    assert [made["id"]] == [each["subscriptionId"] for each in notices(endpoint)]


def test_its_life_is_told_apart(microsoft, eva, graph, endpoint):
    subscribe(graph, endpoint)

    eva.demand_reauthorization()
    eva.miss()
    eva.remove_subscriptions()

    assert microsoft.wait_for_notices()
    assert ["reauthorizationRequired", "missed", "subscriptionRemoved"] == kinds(endpoint)
    assert all("life" in each.query for each in endpoint.received)
    assert [] == eva.subscriptions()


@pytest.mark.parametrize("way", ["reauthorize", "renew"])
def test_nothing_is_told_until_it_is_authorized_again(way, microsoft, eva, graph, endpoint):
    made = subscribe(graph, endpoint)
    eva.demand_reauthorization(pauses=True)
    eva.deliver(mail())

    if way == "reauthorize":
        graph.ask("POST", f"/subscriptions/{made['id']}/reauthorize")
    else:
        later = (datetime.now(UTC) + timedelta(days=6)).isoformat()
        graph.ask("PATCH", f"/subscriptions/{made['id']}", json={"expirationDateTime": later})
    eva.deliver(mail())

    assert microsoft.wait_for_notices()
    assert ["reauthorizationRequired", "created"] == kinds(endpoint)


@pytest.mark.parametrize(
    ("forgery", "name"),
    [
        ("client_state", "clientState"),
        ("without_state", "clientState"),
        ("subscription", "subscriptionId"),
        ("tenant", "tenantId"),
    ],
)
def test_a_notice_can_be_forged(forgery, name, eva, graph, endpoint):
    subscribe(graph, endpoint)

    eva.notify(copies=2)
    eva.notify(forgery=forgery)
    eva.tell_of_life("missed", forgery=forgery)

    true, again, *wrong = notices(endpoint)
    assert true == again
    assert all(each.get(name) != true[name] for each in wrong)


def test_an_app_subscribes_to_the_mailboxes_it_reaches(microsoft, eva, graph, endpoint):
    team = microsoft.add_account("team@firm.example", is_shared=True)
    microsoft.permit_app("firm.example", mailboxes=["team@firm.example"])
    token = microsoft.app_token("firm.example")

    made = graph.ask(
        "POST",
        "/subscriptions",
        token=token,
        json=asked(endpoint, resource=f"users/{team.oid}/messages"),
    )
    refused = graph.refusal(
        "/subscriptions",
        "POST",
        token=token,
        json=asked(endpoint, resource=f"users/{eva.oid}/messages"),
    )
    team.deliver(mail())

    assert 201 == made.status_code
    assert (403, "ErrorAccessDenied") == refused
    assert microsoft.wait_for_notices()
    assert ["created"] == kinds(endpoint)
