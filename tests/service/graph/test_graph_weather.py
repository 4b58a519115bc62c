"""Microsoft refuses, throttles, breaks off: a state, a remedy, and by itself well again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.comparison import EQUAL
from tests.service.graph.graph_house import GraphHouse

ANNA = "anna@customer.test"
SECOND = timedelta(seconds=1)
BRIEF = {
    "TooManyRequests": SECOND,
    "ApplicationThrottled": SECOND,
    "MailboxStoreUnavailable": None,
    "GatewayTimeout": None,
    "ErrorInternalServerError": None,
    "truncated": None,
    "dropped": None,
}
"""What passes, and how long Microsoft asks to wait."""
METHODS = ("mailFolders.delta", "messages.delta", "messages.get", "messages.value", "batch")


@pytest.mark.parametrize("method", METHODS)
def test_a_short_refusal_is_waited_out_inside_the_call_f9(house: GraphHouse, method: str):
    house.put_lead("anna", ANNA)
    person = house.person()
    mailbox = house.join(person)

    states = set()
    for what, retry_after in BRIEF.items():
        house.arrive(person, f"{what}.1", ANNA)
        house.microsoft.fail_next(what, 1, f"graph.{method}", retry_after=retry_after)
        house.sync(mailbox)
        states.add(house.state(mailbox))

    assert EQUAL == house.compare()
    assert {("live", None)} == states
    assert 0 == house.count("pending")


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        ("TooManyRequests", "throttled"),
        ("BadGateway", "unreachable"),
        ("MailboxNotEnabledForRESTAPI", "no-mailbox"),
    ],
)
def test_a_long_refusal_is_a_problem_with_a_remedy_that_heals_by_itself(
    house: GraphHouse, what: str, problem: str
):
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    waits = timedelta(minutes=5) if problem == "throttled" else None
    mailbox = house.join(person, runs=False)
    house.microsoft.fail_next(what, 100, "graph.m*", retry_after=waits)

    house.run_jobs()
    during = house.state(mailbox)
    house.microsoft.go_well()
    house.let_time_pass()
    house.run_jobs()

    assert ("failing", problem) == during
    assert EQUAL == house.compare()
    assert ("live", None) == house.state(mailbox)


def test_refused_parts_of_a_batch_are_asked_for_again_and_no_others_f9(house: GraphHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(30):
        house.arrive(person, f"a{number}.1", ANNA)
    house.microsoft.fail_next(
        "ApplicationThrottled", 2, "graph.messages.get", retry_after=timedelta(seconds=1), skip=7
    )

    house.join(person)

    assert EQUAL == house.compare()
    # Thirty looks at sizes, and the two that were refused once.
    assert 32 == person.counters().calls["graph.messages.get"]
    assert 30 == len(person.counters().contents)


def test_a_mail_that_is_not_handed_out_is_parked_and_the_others_come_f4(house: GraphHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(3):
        house.arrive(person, f"a{number}.1", ANNA)
    house.microsoft.fail_next("ErrorAccessDenied", 1, "graph.messages.value")

    mailbox = house.join(person)
    parked, _ = house.mailboxes.parked(str(mailbox), 0, 10)

    assert ["unreadable"] == [row.reason for row in parked]
    assert 2 == len(house.ids("anna"))
    assert ("live", None) == house.state(mailbox)
