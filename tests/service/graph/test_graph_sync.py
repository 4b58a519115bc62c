"""A Graph mailbox comes in: the leads' mail, and of the rest no subject and no body."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.comparison import EQUAL
from tests.letters import NOON, letter
from tests.service.graph.graph_house import GraphHouse

ANNA = "anna@customer.test"
BEN = "ben@other.test"
STRANGER = "someone@elsewhere.test"


def test_the_mail_of_leads_comes_in_and_of_others_no_body_and_no_subject_is_asked(
    house: GraphHouse,
):
    house.put_lead("anna", ANNA)
    house.put_lead("other", domains=["other.test"])
    person = house.person()
    wanted = [house.arrive(person, f"a{n}.1", ANNA) for n in range(5)]
    wanted += [house.arrive(person, "b.1", BEN)]
    wanted += [person.deliver(letter("s.1", person.address, ANNA), "sentitems")]
    for number in range(20):
        house.arrive(person, f"x{number}.1", STRANGER)

    mailbox = house.join(person)

    counted = person.counters()
    assert EQUAL == house.compare()
    assert set(wanted) == counted.ids
    assert 7 == len(counted.contents)
    assert not {"subject", "bodyPreview", "body", "uniqueBody"} & set(counted.selected)
    assert {} == counted.mutable
    assert ("live", None) == house.state(mailbox)


def test_direction_and_time_are_those_that_outlook_tells(house: GraphHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    at = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
    person.deliver(letter("in.1", ANNA, person.address, at=at), "inbox", at)
    alias = letter("out.1", "sales@firm.test", ANNA, at=at)
    person.deliver(alias, "sentitems", at)

    house.join(person)

    shown = {m.head.message_id: m.outbound for m in house.messages("anna")}
    assert {"in.1": False, "out.1": True} == shown
    assert {at} == {row.received_at for row in house.rows("SELECT received_at FROM mail")}


def test_new_mail_comes_in_by_what_changed_and_nothing_twice(house: GraphHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    old = house.arrive(person, "old.1", ANNA)
    mailbox = house.join(person)
    house.microsoft.reset_counters()

    new = house.arrive(person, "new.1", ANNA)
    house.arrive(person, "x.1", STRANGER)
    person.mark_read(old)
    house.sync(mailbox)

    assert ["new.1", "old.1"] == house.ids("anna")
    assert [new] == person.counters().contents


def test_an_unchanged_folder_is_not_asked_for(house: GraphHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(20):
        person.create_folder(f"Folder {number}")
    mailbox = house.join(person)
    house.sync(mailbox)
    house.microsoft.reset_counters()

    house.arrive(person, "a.1", ANNA)
    house.sync(mailbox)

    assert 1 == person.counters().calls["graph.messages.delta"]
    assert ["a.1"] == house.ids("anna")


def test_a_new_lead_is_searched_for_once_and_one_taken_away_is_purged(house: GraphHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    late = house.arrive(person, "b.1", BEN)
    person.create_folder("Kunden")
    later = house.arrive(person, "b.2", BEN, folder="Kunden")
    house.arrive(person, "near.1", "dr.ben@other.test.example")
    house.join(person)
    house.microsoft.reset_counters()

    house.put_lead("ben", BEN)
    found = house.ids("ben")
    counted = person.counters()
    asked, searches = set(counted.contents), len(counted.searches)
    house.put_lead("ben", "another@other.test")

    assert ["b.1", "b.2"] == found
    assert {late, later} == asked
    assert 1 == searches
    assert EQUAL == house.compare()


def test_folders_may_be_chosen_and_nested_ones_have_their_path(house: GraphHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    person.create_folder("Kunden")
    person.create_folder("Nord", "Kunden")
    house.arrive(person, "in.1", ANNA)
    inside = house.arrive(person, "nord.1", ANNA, folder="Kunden/Nord")

    mailbox = house.join(person, folders=("Kunden/Nord", "Sent Items"))
    first = house.ids("anna")
    person.move(inside, "inbox")
    house.sync(mailbox)

    assert ["nord.1"] == first
    assert [] == house.ids("anna")


def test_since_is_kept_and_a_longer_past_is_fetched_f20(house: GraphHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(4):
        at = NOON - timedelta(days=100 * number)
        person.deliver(letter(f"{number}.1", ANNA, person.address, at=at), "inbox", at)

    mailbox = house.join(person, since=NOON - timedelta(days=150))
    short = house.ids("anna")
    gone = next(id_ for id_ in person.messages() if b"0.1" in person.raw(id_))
    person.delete(gone)
    house.change(mailbox, since=NOON - timedelta(days=250))
    house.run_jobs()
    house.sync(mailbox)

    assert ["0.1", "1.1"] == short
    # What went between the two is not forgotten by it.
    assert ["1.1", "2.1"] == house.ids("anna")
    assert 3 == len(person.counters().contents)


def test_sizes_are_looked_at_first_where_a_delta_does_not_tell_them(house: GraphHouse):
    house.microsoft.settings.expands_in_delta = False
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    large = letter("large.1", ANNA, person.address, text="x" * 70 + "\r\n") + b"y" * 3 * 2**20
    house.service.settings.max_message_bytes = 2**20
    too_large = person.deliver(large, "inbox")

    mailbox = house.join(person)

    assert ["a.1"] == house.ids("anna")
    assert too_large not in person.counters().contents
    parked, _ = house.mailboxes.parked(str(mailbox), 0, 10)
    assert ["too-large"] == [row.reason for row in parked]


def test_a_change_that_is_only_named_is_asked_for_and_nothing_comes_twice(house: GraphHouse):
    house.microsoft.settings.partial_updates = True
    house.put_lead("anna", ANNA)
    person = house.person()
    ids = [house.arrive(person, f"a{n}.1", ANNA) for n in range(3)]
    mailbox = house.join(person)

    for id_ in ids:
        person.mark_read(id_)
    house.sync(mailbox)

    assert EQUAL == house.compare()
    assert 3 == len(person.counters().contents)
