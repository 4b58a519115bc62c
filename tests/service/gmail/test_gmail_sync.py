"""A Gmail mailbox comes in: the leads' mail, and of the rest not even a question."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.comparison import EQUAL
from tests.letters import letter
from tests.service.gmail.gmail_house import GmailHouse

ANNA = "anna@customer.test"
BEN = "ben@other.test"
STRANGER = "someone@elsewhere.test"


def let_search_catch_up(house: GmailHouse) -> None:
    """Let the time pass after which what came is looked at for the second time."""
    house.rows_changed(
        "UPDATE folder SET cursor = regexp_replace(cursor, '^(g1:\\d+:\\d+:)\\d+', '\\11')"
    )
    house.sync()


def test_the_mail_of_leads_comes_in_and_no_other_is_asked_for(house: GmailHouse):
    house.put_lead("anna", ANNA)
    house.put_lead("other", domains=["other.test"])
    person = house.person()
    wanted = [house.arrive(person, f"a{n}.1", ANNA) for n in range(5)]
    wanted += [house.arrive(person, "b.1", BEN)]
    wanted += [person.deliver(letter("s.1", person.address, ANNA), ["SENT"])]
    for number in range(20):
        house.arrive(person, f"x{number}.1", STRANGER)

    mailbox = house.connect_gmail(person)

    assert EQUAL == house.compare()
    assert set(wanted) == person.counters().ids
    assert {"raw"} == {asked.format for asked in person.counters().messages}
    assert 7 == len(person.counters().messages)
    assert ("live", None) == house.state(mailbox)


def test_direction_and_time_are_those_that_gmail_tells(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    at = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
    person.deliver(letter("in.1", ANNA, person.address, at=at), ["INBOX"], at)
    alias = letter("out.1", "sales@firm.test", ANNA, at=at)
    person.deliver(alias, ["SENT"], at)

    house.connect_gmail(person)

    shown = {m.head.message_id: m.outbound for m in house.messages("anna")}
    assert {"in.1": False, "out.1": True} == shown
    assert {at} == {row.received_at for row in house.rows("SELECT received_at FROM mail")}


def test_new_mail_comes_in_and_is_looked_for_once_more_before_it_is_settled(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    mailbox = house.connect_gmail(person)

    house.arrive(person, "new.1", ANNA)
    house.arrive(person, "x.1", STRANGER)
    house.sync(mailbox)
    came = house.ids("anna")
    marks = [row.mark for row in house.rows("SELECT mark FROM folder")]
    let_search_catch_up(house)
    settled = [row.mark for row in house.rows("SELECT mark FROM folder")]

    assert ["new.1"] == came
    assert [None] == marks
    assert None not in settled
    assert EQUAL == house.compare()
    assert 1 == len(person.counters().messages)


def test_nothing_new_costs_two_units(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    mailbox = house.connect_gmail(person)
    house.sync(mailbox)
    house.google.reset_counters()

    house.sync(mailbox)

    assert 2 == person.counters().units.total()


def test_a_draft_is_left_alone_until_it_is_sent(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    mailbox = house.connect_gmail(person)

    draft = person.save_draft(letter("d.1", person.address, ANNA))
    again = person.save_draft(letter("d.1", person.address, ANNA, text="better"), draft)
    house.sync(mailbox)
    before = house.ids("anna")
    sent = person.send_draft(again)
    house.sync(mailbox)

    assert [] == before
    assert ["d.1"] == house.ids("anna")
    assert {sent} == person.counters().ids
    assert EQUAL == house.compare()


def test_labels_are_folders_that_may_be_chosen(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    label = person.create_label("Kunden")
    house.arrive(person, "in.1", ANNA)
    inside = house.arrive(person, "label.1", ANNA, labels=["INBOX", label])
    both = house.arrive(person, "both.1", ANNA, labels=["SENT", label])

    mailbox = house.connect_gmail(person, folders=("Kunden", "SENT"))
    first = house.ids("anna")
    person.unlabel(inside, [label])
    person.unlabel(both, [label])
    house.sync(mailbox)

    assert ["both.1", "label.1"] == first
    assert ["both.1"] == house.ids("anna")
    assert 2 == len(person.counters().messages)


def test_whole_words_of_an_address_in_anothers_are_no_hit_in_the_store(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    near = [
        house.arrive(person, f"near{n}.1", sender)
        for n, sender in enumerate(["dr.anna@customer.test", "anna@customer.test.example"])
    ]
    house.arrive(person, "a.1", ANNA)

    house.connect_gmail(person)
    house.sync()

    # Gmail's search takes them for hers; they are seen once, in memory.
    assert set(near) < person.counters().ids
    assert ["a.1"] == house.ids("anna")
    assert EQUAL == house.compare()
    assert 0 == house.count("pending")


def test_gmails_thread_holds_mails_together_that_name_no_parent_f13(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    me = person.address
    house.arrive(person, "t.1", ANNA)
    answer = person.save_draft(letter("t.2", me, ANNA, subject="Re: An offer", answers=["t.1"]))
    bare = person.save_draft(letter("t.3", me, ANNA, subject="Re: An offer"), answer)
    person.send_draft(bare)
    house.arrive(person, "other.1", ANNA)

    house.connect_gmail(person)

    held = {
        frozenset(m.head.message_id for m in house.reading.messages(str(c.id), None, 100).items)
        for c in house.conversations("anna")
    }
    assert {frozenset({"t.1", "t.3"}), frozenset({"other.1"})} == held
