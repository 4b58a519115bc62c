"""Push notifications ring for whom they name, and for nobody if one of five points fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest

from tests.fakes.google import Forgery, Google
from tests.service.api.calls import serve
from tests.service.gmail.gmail_house import GmailHouse
from worker import pushes

ANNA = "anna@customer.test"


@pytest.fixture
def pushed(
    make_gmail_house: Callable[..., GmailHouse], google: Google
) -> Iterator[tuple[GmailHouse, httpx.Client]]:
    """A house whose web process Google pushes to."""
    house = make_gmail_house(gmail_push_service_account=google.settings.push_service_account)
    with serve(house.service) as client:
        google.settings.push_url = str(client.base_url).rstrip("/") + pushes.PATH
        google.settings.push_audience = f"{house.service.settings.public_url}{pushes.PATH}"
        yield house, client


def test_a_push_rings_and_the_mail_is_there_without_a_poll(pushed):
    house, _ = pushed
    house.put_lead("anna", ANNA)
    person = house.person()
    house.connect_gmail(person)
    assert house.google.wait_for_pushes()
    house.run_jobs()
    # Gmail drops what would be a second push within a second.
    time.sleep(1.1)

    house.arrive(person, "pushed.1", ANNA)
    assert house.google.wait_for_pushes()
    house.run_jobs()

    assert person.is_watched()
    assert ["pushed.1"] == house.ids("anna")


@pytest.mark.parametrize("forgery", list(Forgery), ids=str)
def test_a_forged_push_rings_for_nobody(pushed, forgery: Forgery):
    house, _ = pushed
    house.put_lead("anna", ANNA)
    person = house.person()
    house.connect_gmail(person)
    house.google.wait_for_pushes()
    house.run_jobs()

    forged = person.push(forgery)
    rung = list(house.bell.waiting)
    true = person.push()

    assert [401] == forged
    assert [] == rung
    assert [204] == true
    assert [("sync", id_) for id_ in house.people] == list(house.bell.waiting)


def test_doubled_late_and_disordered_pushes_do_nothing_twice(pushed):
    house, _ = pushed
    house.put_lead("anna", ANNA)
    person = house.person()
    house.connect_gmail(person)
    house.arrive(person, "a.1", ANNA)

    person.push(copies=3)
    person.push(history_id=1, after=timedelta(milliseconds=10))
    house.run_jobs()

    assert ["a.1"] == house.ids("anna")
    assert 1 == len(person.counters().messages)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"message": 1}', b'{"message": {"data": "!"}}', b'{"message": {}}'],
    ids=["empty", "no JSON", "a list", "no message", "no base64", "no data"],
)
def test_a_believed_push_that_says_nothing_is_taken_and_rings_for_nobody(body: bytes):
    assert pushes.address_in(body) is None


def test_a_push_about_somebody_unknown_is_taken(pushed):
    house, _ = pushed
    house.put_lead("anna", ANNA)
    stranger = house.google.add_account("nobody@firm.test")

    assert [204] == stranger.push()
    assert [] == list(house.bell.waiting)


def test_without_a_service_account_there_is_no_such_hook(house: GmailHouse):
    with serve(house.service) as client:
        assert 404 == client.post(pushes.PATH, content=b"{}").status_code


def test_the_watch_is_renewed_daily_and_a_refusal_of_it_harms_nothing_f10(house: GmailHouse):
    def watches() -> int:
        return person.counters().calls["gmail.users.watch"]

    house.put_lead("anna", ANNA)
    person = house.person()
    mailbox = house.connect_gmail(person)
    first = watches()
    house.sync(mailbox)
    same_day = watches()
    house.rows_changed("UPDATE mailbox SET watch_due_at = now() - interval '1 s'")
    house.google.fail_next("backendError", 10, "gmail.users.watch")
    house.arrive(person, "a.1", ANNA)
    house.sync(mailbox)
    house.google.go_well()
    after_refusal = house.state(mailbox)
    house.rows_changed("UPDATE mailbox SET watch_due_at = now() - interval '1 s'")
    house.sync(mailbox)

    assert 1 == first == same_day
    assert ("live", None) == after_refusal
    assert first + 4 + 1 == watches()
    assert ["a.1"] == house.ids("anna")
