"""A mailbox at a provider with an API comes in, and stays what it is there."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest

from tests.comparison import EQUAL
from tests.letters import NOON, letter
from tests.service.cloud_house import ANNA, CloudHouse

BEN = "ben@other.test"
STRANGER = "someone@elsewhere.test"


def test_mail_that_arrives_during_the_first_import_is_found_f2(house: CloudHouse[Any]):
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(60):
        house.arrive(person, f"a{number}.1", ANNA)
    over = Event()

    def go_on_writing() -> None:
        for number in range(200):
            house.arrive(person, f"while{number}.1", ANNA)
            if over.wait(0.01):
                return

    writer = Thread(target=go_on_writing)
    writer.start()
    mailbox = house.join(person)
    over.set()
    writer.join()
    house.sync(mailbox)

    fetched = house.fetched(person)
    assert EQUAL == house.compare()
    assert person.counters().ids == set(fetched)
    assert len(set(fetched)) == len(fetched)


@pytest.mark.parametrize("how", [0, 1, 2])
def test_an_expired_cursor_is_listed_again_and_compared_f1(house: CloudHouse[Any], how: int):
    if how >= len(house.expiries):
        # It has fewer ways to say so.
        return
    house.put_lead("anna", ANNA)
    person = house.person()
    ids = [house.arrive(person, f"a{n}.1", ANNA) for n in range(10)]
    mailbox = house.join(person)
    house.stand_in.reset_counters()

    person.delete(ids[0])
    person.trash(ids[1])
    new = [house.arrive(person, "new.1", ANNA)]
    house.arrive(person, "x.1", STRANGER)
    house.expire(person, house.expiries[how])
    house.sync(mailbox)
    house.sync(mailbox)

    assert EQUAL == house.compare()
    assert new == house.fetched(person)
    assert 9 == len(house.ids("anna"))


@pytest.mark.parametrize("gone", ["delete", "trash", "junk"])
def test_what_is_gone_upstream_goes_and_what_is_restored_comes_back(
    house: CloudHouse[Any], gone: str
):
    house.put_lead("anna", ANNA)
    person = house.person()
    kept, lost = (house.arrive(person, f"{n}.1", ANNA) for n in ("kept", "lost"))
    mailbox = house.join(person)

    if gone == "junk":
        house.junk(person, lost)
    else:
        getattr(person, gone)(lost)
    house.sync(mailbox)
    without = house.ids("anna")
    if gone != "delete":
        house.restore(person, lost)
    house.sync(mailbox)

    assert ["kept.1"] == without
    assert EQUAL == house.compare()
    assert kept in person.messages()


def test_a_draft_is_left_alone_until_it_is_sent(house: CloudHouse[Any]):
    house.put_lead("anna", ANNA)
    person = house.person()
    mailbox = house.join(person)

    draft = person.save_draft(letter("d.1", person.address, ANNA))
    house.sync(mailbox)
    before = house.ids("anna")
    sent = person.send_draft(draft)
    house.sync(mailbox)

    assert [] == before
    assert ["d.1"] == house.ids("anna")
    assert {sent} == person.counters().ids
    assert EQUAL == house.compare()


def test_a_new_lead_is_searched_for_and_one_taken_away_is_purged(house: CloudHouse[Any]):
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    late = house.arrive(person, "b.1", BEN)
    house.join(person)
    house.stand_in.reset_counters()

    house.put_lead("ben", BEN)
    found = house.ids("ben")
    asked = person.counters().ids
    house.put_lead("ben", "another@other.test")

    assert ["b.1"] == found
    assert {late} == asked
    assert EQUAL == house.compare()


def test_since_is_kept_and_a_longer_past_is_fetched_f20(house: CloudHouse[Any]):
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(4):
        at = NOON - timedelta(days=100 * number)
        house.put(person, letter(f"{number}.1", ANNA, person.address, at=at), at)

    mailbox = house.join(person, since=NOON - timedelta(days=150))
    short = house.ids("anna")
    house.change(mailbox, since=NOON - timedelta(days=250))
    house.run_jobs()

    assert ["0.1", "1.1"] == short
    assert ["0.1", "1.1", "2.1"] == house.ids("anna")
    assert 3 == len(house.fetched(person))


def test_a_mail_that_goes_between_finding_and_fetching_is_not_missed(house: CloudHouse[Any]):
    house.put_lead("anna", ANNA)
    person = house.person()
    ids = [house.arrive(person, f"a{n}.1", ANNA) for n in range(3)]
    mailbox = house.join(person, runs=False)
    while not any(kind == "import" for kind, _ in house.bell.waiting):
        house.run_one()

    person.delete(ids[0])
    person.trash(ids[1])
    house.run_jobs()
    house.sync(mailbox)

    assert EQUAL == house.compare()
    assert 0 == house.count("pending")


def test_no_library_logs_a_search_or_an_answer(
    house: CloudHouse[Any], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    mailbox = house.join(person)

    house.put_lead("ben", BEN)
    house.arrive(person, "b.1", BEN)
    house.stand_in.fail_next(house.refusals[0], 1)
    house.sync(mailbox)

    assert ["b.1"] == house.ids("ben")
    assert not [name for name in (ANNA, BEN, person.address) if name in caplog.text]
    assert not [path for path in ("gmail/v1", "/v1.0/") if path in caplog.text]
