"""A token that no longer proves enough is renewed by what Microsoft asks for, or by its person."""

from __future__ import annotations

import pytest

from tests.fakes.microsoft import Person
from tests.service.graph.graph_house import GraphHouse

ANNA = "anna@customer.test"


@pytest.fixture
def capable(house: GraphHouse) -> tuple[GraphHouse, Person, int]:
    """A mailbox whose token is one that was asked for with what we are capable of."""
    house.put_lead("anna", ANNA)
    person = house.person()
    mailbox = house.join(person)
    house.microsoft.expire_access_tokens()
    house.sync(mailbox)
    return house, person, mailbox


def test_a_claims_challenge_is_answered_by_a_token_with_the_claims(capable):
    house, person, mailbox = capable

    person.challenge()
    house.arrive(person, "a.1", ANNA)
    house.sync(mailbox)
    challenged = [one for one in house.microsoft.counters().refused if one.status == 401]

    assert ["a.1"] == house.ids("anna")
    assert ("live", None) == house.state(mailbox)
    assert challenged


def test_claims_that_only_the_person_can_bring_wait_for_them_and_lose_nothing_f17(capable):
    house, person, mailbox = capable

    person.challenge(needs_person=True)
    house.arrive(person, "a.1", ANNA)
    for _ in range(3):
        house.sync(mailbox)
        house.let_time_pass()
        house.run_jobs()
    waiting = house.state(mailbox)
    person.go_unchallenged()
    house.join(person)

    assert ("reauthorize", "interaction-required") == waiting
    assert ["a.1"] == house.ids("anna")
