"""Google refuses, throttles, breaks off, hangs: a state, a remedy, and by itself well again."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from tests.comparison import EQUAL
from tests.letters import letter
from tests.service.gmail.gmail_house import GmailHouse

ANNA = "anna@customer.test"


def let_time_pass(house: GmailHouse) -> None:
    """Let everything run that was put off."""
    house.let_time_pass()
    house.run_jobs()


BRIEF = {
    "too many requests": "tooManyRequests",
    "rate of the user": "userRateLimitExceeded",
    "rate of the project": "rateLimitExceeded",
    "broken behind": "backendError",
    "half an answer": "truncated",
    "broken off": "dropped",
}


@pytest.mark.parametrize("what", BRIEF.values(), ids=list(BRIEF))
@pytest.mark.parametrize(
    "method", ["getProfile", "labels.list", "messages.list", "messages.get", "history.list"]
)
def test_a_short_refusal_is_waited_out_inside_the_call_f8(
    house: GmailHouse, what: str, method: str
):
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(5):
        house.arrive(person, f"a{number}.1", ANNA)
    retry_after = timedelta(seconds=1) if "ate" in what or "oo" in what else None
    house.google.fail_next(what, 2, f"gmail.users.{method}", retry_after=retry_after)

    mailbox = house.connect_gmail(person)
    house.arrive(person, "new.1", ANNA)
    house.sync(mailbox)
    let_time_pass(house)

    assert EQUAL == house.compare()
    assert ("live", None) == house.state(mailbox)


def test_a_long_pause_is_obeyed_and_said(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    mailbox = house.connect_gmail(person, runs=False)
    house.google.throttle(
        times=1, retry_after=timedelta(seconds=90), method="gmail.users.messages.*"
    )

    house.run_jobs()
    state = house.state(mailbox)
    wait = house.rows("SELECT extract(epoch FROM due_at - now()) AS s FROM mailbox")[0].s
    let_time_pass(house)

    assert ("failing", "throttled") == state
    assert 80 < wait <= 90
    assert EQUAL == house.compare()
    assert ("live", None) == house.state(mailbox)


def test_a_server_that_hangs_costs_its_time_and_no_mail(make_gmail_house):
    house = make_gmail_house(mail_timeout_seconds=1.0)
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    mailbox = house.connect_gmail(person, runs=False)
    house.google.fail_next("hanging", 4, "gmail.users.messages.get")

    house.run_jobs()
    state = house.state(mailbox)
    house.google.go_well()
    let_time_pass(house)

    assert ("failing", "unreachable") == state
    assert EQUAL == house.compare()


def test_a_scope_that_is_lacking_asks_for_the_person(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    mailbox = house.connect_gmail(person)
    house.google.fail_next("insufficientPermissions", 50, "gmail.*")

    house.sync(mailbox)
    first = house.state(mailbox)[0]
    let_time_pass(house)

    # A refusal is believed when fresh tokens are refused as well, twice.
    assert ("failing", "reauthorize") == (first, house.state(mailbox)[0])


def test_an_access_token_that_dies_early_is_renewed_and_nothing_is_lost(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    mailbox = house.connect_gmail(person)
    house.arrive(person, "a.1", ANNA)
    person.expire_access_tokens()

    house.sync(mailbox)

    assert EQUAL == house.compare()
    assert 1 == person.counters().refreshes
    assert ("live", None) == house.state(mailbox)


def test_a_grant_that_was_taken_back_ends_and_is_said_at_once_f17(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    mailbox = house.connect_gmail(person)
    person.revoke()

    house.sync(mailbox)

    kinds = [row.kind for row in house.rows("SELECT kind FROM change ORDER BY id")]
    assert "reauthorize" == house.state(mailbox)[0]
    assert "mailbox.reauthorize" == kinds[-1]


def test_a_mail_that_is_too_large_is_parked_and_never_asked_for_f25(make_gmail_house):
    house = make_gmail_house(max_message_bytes=2 * 2**20)
    house.put_lead("anna", ANNA)
    person = house.person()
    small = house.arrive(person, "a.1", ANNA)
    medium = house.arrive(person, "m.1", ANNA, text="word " * 60_000)
    house.arrive(person, "l.1", ANNA, text="word " * 500_000)

    mailbox = house.connect_gmail(person)

    assert {small, medium} == person.counters().ids
    assert ["too-large"] == [row.reason for row in house.rows("SELECT reason FROM pending")]
    assert 1 == house.show(mailbox).progress.parked


def test_one_refused_part_of_a_batch_does_not_spoil_the_others(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(10):
        house.arrive(person, f"a{number}.1", ANNA)
    house.google.fail_next(
        "userRateLimitExceeded",
        3,
        "gmail.users.messages.get",
        retry_after=timedelta(seconds=1),
        skip=2,
    )

    house.connect_gmail(person)
    let_time_pass(house)

    assert EQUAL == house.compare()
    assert 13 == len(person.counters().messages)


def test_google_hears_of_no_more_than_it_allows_when_the_budget_is_small(make_gmail_house):
    house = make_gmail_house(gmail_units_per_minute=600)
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(12):
        house.arrive(person, f"a{number}.1", ANNA)
    began = time.monotonic()

    mailbox = house.connect_gmail(person)
    fetched = len(person.counters().messages)
    paced = house.rows("SELECT paced_until > now() AS later FROM mailbox")[0].later
    person.deliver(letter("live.1", ANNA, person.address), ["INBOX"])
    house.sync(mailbox)
    live = "live.1" in house.ids("anna")

    spent = person.counters().units.total()
    assert fetched < 12
    assert paced
    assert live
    assert ("backfilling", None) == house.state(mailbox)
    assert spent <= 600 * (1 / 5 + 4 / 5 * (time.monotonic() - began) / 60) + 60
