"""Never more calls at once for a mailbox than are allowed, measured at the stand-in (F9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest

from connectors.base import Connector, FolderRole
from connectors.errors import Paced
from models.queries import mailboxes
from tests.comparison import EQUAL
from tests.fakes.microsoft import Person
from tests.letters import letter
from tests.service.graph.graph_house import GraphHouse
from worker.connecting import card_of, make_connector, open_connector
from worker.grants import fresh_grant

ANNA = "anna@customer.test"
WORKERS = 8


@contextmanager
def workers(house: GraphHouse, mailbox: int, *, in_turn: bool) -> Iterator[list[Connector]]:
    """Open the mailbox in eight workers, each with connections of its own."""
    with house.store.workspace(house.workspace) as connection:
        row = mailboxes.find(connection, mailbox)
    assert row is not None
    with ExitStack() as stack:
        opened = []
        for _ in range(WORKERS):
            service = house.build()
            stack.callback(service.close)
            if in_turn:
                connector = open_connector(service, row)
            else:
                grant = fresh_grant(service, row)
                connector = make_connector(service, row.provider, card_of(service, row), grant)
            stack.callback(connector.close)
            opened.append(connector)
        yield opened


def read_all(connector: Connector) -> int:
    """List the inbox and fetch what is in it; return how many mails that were."""
    inbox = next(one for one in connector.folders() if one.role is FolderRole.INBOX)
    refs = [
        envelope.ref for page in connector.changes(inbox, None, None) for envelope in page.envelopes
    ]
    return sum(1 for _ in connector.fetch(refs))


def throttled(house: GraphHouse) -> int:
    """Return how many calls were refused because there were too many."""
    return sum(one.status == 429 for one in house.microsoft.counters().refused)


@pytest.fixture
def crowded(house: GraphHouse) -> tuple[GraphHouse, Person, int]:
    """A mailbox of few mails at a provider that takes its time."""
    person = house.person()
    for number in range(6):
        house.arrive(person, f"a{number}.1", ANNA)
    mailbox = house.join(person, runs=False)
    house.microsoft.delay(timedelta(milliseconds=30), "graph.messages.*")
    return house, person, mailbox


def test_eight_workers_ask_for_three_things_at_once_at_most_f9(crowded):
    house, person, mailbox = crowded

    with workers(house, mailbox, in_turn=True) as opened, ThreadPoolExecutor(WORKERS) as threads:
        read = list(threads.map(read_all, opened))

    assert [6] * WORKERS == read
    assert 1 < person.counters().most_at_once <= 3
    assert 0 == throttled(house)


def test_eight_workers_that_take_no_turns_are_refused_which_is_the_control_f9(crowded):
    house, person, mailbox = crowded

    with workers(house, mailbox, in_turn=False) as opened, ThreadPoolExecutor(WORKERS) as threads:
        asked = [threads.submit(read_all, connector) for connector in opened]
        for each in asked:
            each.exception()

    assert person.counters().most_at_once > 4
    assert throttled(house)


def test_a_batch_is_one_call_at_a_time_f9(make_graph_house: Callable[..., GraphHouse]):
    house = make_graph_house(graph_calls_at_once=1)
    house.microsoft.set_limits(concurrent=1)
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(45):
        house.arrive(person, f"a{number}.1", ANNA)

    house.join(person)

    assert EQUAL == house.compare()
    assert 1 == person.counters().most_at_once
    assert 0 == throttled(house)


def test_microsoft_hears_of_no_more_than_it_allows_in_ten_minutes(
    make_graph_house: Callable[..., GraphHouse],
):
    house = make_graph_house(graph_requests_per_ten_minutes=200)
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(30):
        house.arrive(person, f"a{number}.1", ANNA)

    mailbox = house.join(person)
    fetched = len(person.counters().contents)
    paced = house.rows("SELECT paced_until > now() AS later FROM mailbox")[0].later
    person.deliver(letter("live.1", ANNA, person.address), "inbox")
    house.rows_changed("UPDATE mailbox SET due_at = now()")
    house.run_jobs()

    assert fetched < 30
    assert paced
    assert house.state(mailbox) in {("backfilling", None), ("connecting", None)}
    assert sum(person.counters().calls.values()) < 100


def test_a_job_gives_way_when_all_turns_are_taken(house: GraphHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    mailbox = house.join(person, runs=False)
    name = f"leadmail:mailbox:{mailbox}:turns"
    house.service.redis.zadd(name, {"dead": 2**40, "too": 2**40, "three": 2**40})
    with house.store.workspace(house.workspace) as connection:
        row = mailboxes.find(connection, mailbox)
    assert row is not None

    connector = open_connector(house.service, row, others_wait=lambda: True)
    with pytest.raises(Paced):
        connector.folders()
    house.service.redis.delete(name)
    house.run_jobs()

    assert ["a.1"] == house.ids("anna")
