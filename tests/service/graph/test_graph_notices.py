"""Graph's notices ring, and each lifecycle notice is seen to without loss (F10)."""

from __future__ import annotations

import pytest

from tests.comparison import EQUAL
from tests.fakes.microsoft import Person
from tests.service.graph.graph_house import GraphHouse

ANNA = "anna@customer.test"


@pytest.fixture
def told(served: GraphHouse) -> tuple[GraphHouse, Person, int]:
    """A mailbox that Microsoft notifies of."""
    served.put_lead("anna", ANNA)
    person = served.person()
    mailbox = served.join(person)
    # The first look after a watch began: before it nothing rang.
    served.run_jobs()
    return served, person, mailbox


def test_a_notice_rings_and_the_mail_is_there_without_a_poll(told):
    house, person, mailbox = told

    house.arrive(person, "pushed.1", ANNA)
    assert house.microsoft.wait_for_notices()
    rung = list(house.bell.waiting)
    house.run_jobs()

    assert ("sync", mailbox) in rung
    assert ["pushed.1"] == house.ids("anna")


def test_a_subscription_has_its_own_secret_and_both_addresses(told):
    house, person, _ = told
    other = house.person()
    house.join(other)

    held = [*person.subscriptions(), *other.subscriptions()]

    assert 2 == len(held)
    assert 2 == len({one["clientState"] for one in held})
    assert all(one["lifecycleNotificationUrl"] for one in held)


def test_a_subscription_that_was_removed_is_begun_again_and_nothing_is_missed_f10(told):
    house, person, _ = told
    (before,) = person.subscriptions()

    person.remove_subscriptions()
    house.arrive(person, "meanwhile.1", ANNA)
    assert house.microsoft.wait_for_notices()
    house.run_jobs()
    (after,) = person.subscriptions()

    assert before["id"] != after["id"]
    assert ["meanwhile.1"] == house.ids("anna")
    assert EQUAL == house.compare()


def test_a_demanded_reauthorization_renews_the_same_subscription_f10(told):
    house, person, _ = told
    (before,) = person.subscriptions()
    renewals = person.counters().calls["graph.subscriptions.update"]

    person.demand_reauthorization()
    assert house.microsoft.wait_for_notices()
    house.run_jobs()
    (after,) = person.subscriptions()

    assert before["id"] == after["id"]
    assert renewals + 1 == person.counters().calls["graph.subscriptions.update"]


def test_missed_notices_are_made_up_for_by_a_look_f10(told):
    house, person, _ = told

    person.miss()
    house.arrive(person, "missed.1", ANNA)
    house.microsoft.wait_for_notices()
    house.run_jobs()

    assert ["missed.1"] == house.ids("anna")


def test_a_subscription_is_renewed_ahead_of_its_end_and_a_refusal_harms_nothing_f10(told):
    house, person, mailbox = told
    (first,) = person.subscriptions()

    house.rows_changed("UPDATE mailbox SET watch_due_at = now() - interval '1 s'")
    house.microsoft.fail_next("ErrorInternalServerError", 10, "graph.subscriptions.*")
    house.arrive(person, "a.1", ANNA)
    house.sync(mailbox)
    house.microsoft.go_well()
    after_refusal = house.state(mailbox)
    house.rows_changed("UPDATE mailbox SET watch_due_at = now() - interval '1 s'")
    house.sync(mailbox)
    (renewed,) = person.subscriptions()

    assert ("live", None) == after_refusal
    assert first["id"] == renewed["id"]
    assert ["a.1"] == house.ids("anna")
