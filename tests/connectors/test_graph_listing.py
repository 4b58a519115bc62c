"""Graph's lists and searches tell everything, however little one answer tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from connectors.base import ChangePage, Envelope, Folder
from connectors.errors import GrantRevoked, Misbehaved, Oversize
from connectors.graph.account import GraphAccount, GraphLimits
from connectors.graph.api import GraphApi
from connectors.graph.connector import GraphConnector
from connectors.oauth.wire import Wire
from mail.address import Address
from tests.contract.looking import inbox_of
from tests.contract.mails import letter
from tests.fakes.microsoft import Microsoft, Person

LEAD, OTHER = Address("lead@kunde.example"), Address("other@kunde.example")
LONG_AGO = datetime(2024, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MOST = 10


@pytest.fixture
def microsoft() -> Iterator[Microsoft]:
    """A stand-in for Microsoft that tells ten results of a search."""
    with Microsoft() as server:
        server.settings.search_most = MOST
        yield server


@pytest.fixture
def person(microsoft: Microsoft) -> Person:
    """Somebody with a mailbox."""
    return microsoft.add_account("user@firm.example")


@pytest.fixture
def connect(microsoft: Microsoft, person: Person) -> Iterator[Callable[..., GraphConnector]]:
    """Makes connectors with limits of their own."""
    wire = Wire([microsoft.url], str(microsoft.ca_file))

    def make(**limits: object) -> GraphConnector:
        account = GraphAccount(person.grant()["access_token"], microsoft.url)
        return GraphConnector(
            account,
            wire,
            GraphLimits(page=4, search_results=MOST, **limits),  # type: ignore[arg-type]  # few
        )

    yield make
    wire.close()


def found(
    connector: GraphConnector, folder: Folder, since: datetime | None = None
) -> list[Envelope]:
    refs = [one.ref for one in connector.find(folder, [LEAD, OTHER], since)]
    return list(connector.envelopes(refs))


def deliver(person: Person, number: int, at: datetime, sender: str = LEAD) -> None:
    person.deliver(letter(number, sender), "inbox", at)


def test_more_results_than_a_search_tells_are_found_day_by_day(connect, person: Person):
    for number in range(60):
        deliver(person, number, LONG_AGO + number * DAY / 3, OTHER if number % 4 else LEAD)
        deliver(person, 1000 + number, LONG_AGO + number * DAY / 3, "x@elsewhere.example")

    envelopes = found(connect(), inbox_of(connect()))

    assert {f"{n}@test" for n in range(60)} == {one.message_id for one in envelopes}
    assert 60 == len(envelopes)


def test_more_results_of_a_day_than_a_search_tells_are_found_by_address_and_by_a_list(
    connect, person: Person
):
    for number in range(25):
        deliver(person, number, LONG_AGO + timedelta(minutes=number))
        deliver(person, 1000 + number, LONG_AGO + timedelta(minutes=number), "x@elsewhere.example")
    for number in range(25, 30):
        deliver(person, number, LONG_AGO + timedelta(minutes=number), OTHER)

    envelopes = found(connect(), inbox_of(connect()))

    assert {f"{n}@test" for n in range(30)} == {one.message_id for one in envelopes}


def test_what_came_just_now_is_found_although_no_search_knows_it_yet(
    connect, microsoft: Microsoft, person: Person
):
    deliver(person, 1, datetime.now(UTC) - timedelta(minutes=5))
    deliver(person, 2, datetime.now(UTC), "x@elsewhere.example")
    # As if its index were behind.
    microsoft.settings.search_most = 0

    envelopes = found(connect(), inbox_of(connect()))

    assert ["1@test"] == [one.message_id for one in envelopes]


def test_one_search_is_made_for_all_folders(connect, person: Person):
    person.create_folder("Kunden")
    deliver(person, 1, LONG_AGO)
    person.deliver(letter(2), "Kunden", LONG_AGO)
    connector = connect()
    folders = {folder.name: folder for folder in connector.folders()}

    inbox = found(connector, folders["Inbox"])
    kunden = found(connector, folders["Kunden"])
    searches = len(person.counters().searches)
    another = found(connect(kept_hits=0), folders["Kunden"])

    assert ["1@test"] == [one.message_id for one in inbox]
    assert ["2@test"] == [one.message_id for one in kunden] == [one.message_id for one in another]
    assert 1 == searches


def test_what_quotes_a_search_or_ends_it_is_only_looked_for(connect, person: Person):
    odd = Address("o'neil+x@kunde.example")
    person.deliver(letter(1, sender=odd), "inbox", LONG_AGO)
    person.deliver(letter(2, sender="y@elsewhere.example"), "inbox", LONG_AGO)
    connector = connect()
    injected = Address('x" OR participants:y@elsewhere.example')

    refs = [one.ref for one in connector.find(inbox_of(connector), [odd], None)]
    nothing = list(connector.find(inbox_of(connector), [injected], None))

    assert ["1@test"] == [one.message_id for one in connector.envelopes(refs)]
    assert [] == nothing


def pages_of(connector: GraphConnector, cursor: object = None) -> list[ChangePage]:
    return list(connector.changes(inbox_of(connector), cursor, None))  # type: ignore[arg-type]


def test_a_folder_is_listed_whole_again_after_a_week_beside_its_delta(connect, person: Person):
    for number in range(9):
        deliver(person, number, LONG_AGO + number * DAY)
    cursor = pages_of(connect())[-1].cursor

    soon = pages_of(connect(), cursor)
    late = pages_of(connect(listed_again=timedelta(0)), cursor)

    assert [] == [one for page in soon for one in page.envelopes]
    told = [one.message_id for page in late for one in page.envelopes]
    assert {f"{n}@test" for n in range(9)} == set(told)
    assert 0 == late[-1].remaining
    assert not any(page.expired for page in late)


def test_a_list_leaves_nothing_out_when_what_it_told_goes_meanwhile(connect, person: Person):
    for number in range(16):
        deliver(person, number, LONG_AGO + number * DAY)
    cursor = pages_of(connect())[-1].cursor
    connector = connect(listed_again=timedelta(0))
    told: list[str] = []

    for page in connector.changes(inbox_of(connector), cursor, None):
        told += [one.message_id for one in page.envelopes]
        if page.envelopes and len(told) <= 4:
            for one in page.envelopes:
                person.delete(one.ref.id)

    assert {f"{n}@test" for n in range(16)} == set(told)


def test_many_mails_of_one_second_are_all_listed(connect, person: Person):
    for number in range(11):
        deliver(person, number, LONG_AGO)
    cursor = pages_of(connect())[-1].cursor

    late = pages_of(connect(listed_again=timedelta(0)), cursor)

    assert {f"{n}@test" for n in range(11)} == {
        one.message_id for page in late for one in page.envelopes
    }


def test_a_mail_that_is_larger_than_its_size_says_is_not_taken_in(
    connect, microsoft: Microsoft, person: Person
):
    deliver(person, 1, LONG_AGO)
    person.deliver(letter(2, body=b"x" * 20_000), "inbox", LONG_AGO)
    microsoft.settings.size_overhead_bytes = -20_000
    connector = connect(message_bytes=10_000)
    refs = [one.ref for page in pages_of(connector) for one in page.envelopes]
    fetched = connector.fetch(refs)
    first = next(fetched)
    with pytest.raises(Oversize):
        next(fetched)

    assert letter(1) == first.raw
    assert 2 == len(person.counters().contents)


def test_an_application_reads_a_named_mailbox_and_no_other(microsoft: Microsoft):
    shared, other = (
        microsoft.add_account(f"{name}@shared.example", is_shared=True) for name in ("sales", "hr")
    )
    for one in (shared, other):
        one.deliver(letter(1), "inbox")
    microsoft.permit_app("shared.example", mailboxes=[shared.address])
    token = microsoft.app_token("shared.example")
    wire = Wire([microsoft.url], str(microsoft.ca_file))
    reached, refused = (
        GraphConnector(GraphAccount(token, microsoft.url, Address(one.address)), wire)
        for one in (shared, other)
    )

    refs = [one.ref for page in pages_of(reached) for one in page.envelopes]
    fetched = [raw.raw for raw in reached.fetch(refs)]
    with pytest.raises(GrantRevoked):
        refused.folders()
    wire.close()

    assert [letter(1)] == fetched
    assert {} == shared.counters().mutable


@pytest.mark.parametrize(
    "link", ["https://evil.example/v1.0/me/messages/delta?$deltatoken=x", "", None, "//x"]
)
def test_a_link_to_another_host_is_not_followed(microsoft: Microsoft, link: str | None):
    make = partial(GraphApi, GraphAccount("token", microsoft.url))
    api = make(None, None, None, GraphLimits())  # type: ignore[arg-type]  # nothing is sent

    with pytest.raises(Misbehaved):
        api.query_of(link)
