"""What a mailbox costs at Google, and many mailboxes at once against a Google that throttles."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connectors.base import Folder, FolderRole
from connectors.gmail.account import COSTS
from connectors.gmail.history import ALL_MAIL
from connectors.gmail.query import frame_of, searches
from mail.address import Address
from tests.comparison import EQUAL
from tests.fakes.google import Person
from tests.letters import letter
from tests.service.gmail.gmail_house import GmailHouse
from worker import jobs

MAILS, LEADS, PART = 10_000, 200, 0.15
GET, LIST = COSTS["users.messages.get"], COSTS["users.messages.list"]


def lead(number: int) -> str:
    return f"person{number}@customer{number}.test"


def fill(person: Person, mails: int, part: float) -> set[str]:
    """Hold mails, a part of them of leads; return the ids of those."""
    chance = random.Random(7)
    numbers = range(mails)
    of_leads = [chance.random() < part for _ in numbers]
    raws = [
        letter(
            f"m{n}.1",
            lead(chance.randrange(LEADS)) if of_leads[n] else f"x{n}@elsewhere.test",
            person.address,
            text="word " * chance.randrange(5, 200),
        )
        for n in numbers
    ]
    ids = person.load(mails=raws)
    return {id_ for id_, is_of_lead in zip(ids, of_leads, strict=True) if is_of_lead}


def least_units(hits: int) -> int:
    """Return the least that could find and fetch so many mails: each once, each search once."""
    folder = Folder(ALL_MAIL, "", FolderRole.ALL)
    chunks = list(searches([Address(lead(n)) for n in range(LEADS)], frame_of(folder, None), 1500))
    pages = max(len(chunks), math.ceil(hits / 500))
    return hits * GET + pages * LIST


@pytest.mark.timeout(400)
def test_ten_thousand_mails_cost_hardly_more_than_the_leads_own(house: GmailHouse):
    for number in range(LEADS):
        house.put_lead(f"lead{number}", lead(number), runs=False)
    person = house.person()
    wanted = fill(person, MAILS, PART)

    mailbox = house.connect_gmail(person, runs=False)
    disturb(house, person)
    while house.state(mailbox)[0] != "live":
        house.let_time_pass()
        house.run_jobs()

    counted = person.counters()
    ratio = counted.units.total() / least_units(len(wanted))
    print(f"units {counted.units.total()}, least {least_units(len(wanted))}, ratio {ratio:.3f}")
    assert set() == counted.ids - wanted
    assert EQUAL == house.compare()
    assert ratio <= 1.05


def disturb(house: GmailHouse, person: Person) -> None:
    """Kill an import twice, throttle, and expire the history, while the mailbox comes in."""
    for turn in range(2):
        house.kill_one()
        if turn == 0:
            house.google.throttle(3, timedelta(seconds=1), "userRateLimitExceeded")
            person.expire_history()


@pytest.mark.timeout(400)
def test_two_hundred_mailboxes_at_once_starve_nobody_and_lose_no_grant_f18(
    make_gmail_house: Callable[..., GmailHouse],
):
    house = make_gmail_house(slice_seconds=2.0)
    house.put_lead("anna", "anna@customer.test", runs=False)
    people = [house.person() for _ in range(200)]
    for person in people:
        for number in range(3):
            house.arrive(person, f"{person.sub}-{number}.1", "anna@customer.test")
    mailboxes = [house.connect_gmail(person, runs=False) for person in people]
    house.bell.waiting.clear()
    house.google.expire_access_tokens()
    for person in people[::4]:
        house.google.throttle(2, timedelta(seconds=1), address=person.address)
        house.google.fail_next("backendError", 1, "oauth.token", address=person.address)

    with ThreadPoolExecutor(16) as threads:
        for _ in range(10):
            left = house.count("mailbox", "state <> 'live'")
            print(f"{left} of {len(mailboxes)} are not live yet")
            if not left:
                break
            list(threads.map(lambda id_: jobs.sync_mailbox(house.service, id_), mailboxes))
            list(threads.map(lambda id_: jobs.import_mail(house.service, id_), mailboxes))
            house.rows_changed("UPDATE mailbox SET due_at = now() WHERE state <> 'live'")
            house.rows_changed("UPDATE pending SET retry_at = now()")

    states = {row.state for row in house.rows("SELECT DISTINCT state FROM mailbox")}
    refreshes = [person.counters().refreshes for person in people]
    assert {"live"} == states
    assert EQUAL == house.compare()
    assert max(refreshes) <= 2
    assert min(refreshes) >= 1
    assert 3 == max(len(person.counters().ids) for person in people)
