"""Mails that move between folders of Outlook are kept once and fetched once (F5, F6)."""

from __future__ import annotations

import pytest

from connectors.graph.connector import GraphConnector
from tests.comparison import EQUAL
from tests.fakes.microsoft import Person
from tests.service.graph.graph_house import GraphHouse

ANNA = "anna@customer.test"


@pytest.fixture(params=[True, False], ids=["told in the target", "told in the source only"])
def filed(house: GraphHouse, request: pytest.FixtureRequest) -> tuple[GraphHouse, Person, int]:
    """A mailbox with a lead's mails in it, and folders to file them in."""
    house.microsoft.settings.move_shows_in_target = request.param
    house.put_lead("anna", ANNA)
    person = house.person()
    for name in ("North", "South"):
        person.create_folder(name)
    for number in range(4):
        house.arrive(person, f"a{number}.1", ANNA)
    return house, person, house.join(person)


def mails(house: GraphHouse) -> set[int]:
    """Return the ids of what is stored: a mail that was removed and fetched again has another."""
    return {row.id for row in house.rows("SELECT id FROM mail")}


def test_a_moved_mail_is_neither_removed_nor_fetched_again_f5_f6(filed):
    house, person, mailbox = filed
    before = mails(house)
    ids = list(person.messages())

    person.move(ids[0], "North")
    person.move(ids[1], "South")
    house.sync(mailbox)
    person.move(ids[0], "South")
    house.sync(mailbox)
    house.sync(mailbox)

    assert before == mails(house)
    assert EQUAL == house.compare()
    assert 4 == len(person.counters().contents)
    assert 4 == house.count("place")


def test_without_asking_a_moved_mail_would_be_removed_which_is_the_control_f5_f6(
    filed, monkeypatch: pytest.MonkeyPatch
):
    house, person, mailbox = filed
    monkeypatch.setattr(GraphConnector, "moved", lambda *_: iter(()))
    house.microsoft.settings.move_shows_in_target = False
    before = mails(house)
    ids = list(person.messages())

    person.move(ids[0], "North")
    person.move(ids[0], "inbox")
    house.sync(mailbox)
    house.sync(mailbox)

    assert before != mails(house)


def test_a_mail_whose_lasting_id_changed_all_the_same_is_kept_once_f6(filed):
    house, person, mailbox = filed
    ids = list(person.messages())

    # As Outlook's own drag and drop was seen to do.
    person.copy(ids[0], "North")
    person.delete(ids[0])
    house.sync(mailbox)
    house.sync(mailbox)

    assert 4 == len(house.ids("anna"))
    assert EQUAL == house.compare()


def test_a_mail_that_went_and_came_back_is_still_there_f6(filed):
    house, person, mailbox = filed
    before = mails(house)
    ids = list(person.messages())

    person.move(ids[0], "North")
    person.move(ids[0], "inbox")
    house.sync(mailbox)
    house.sync(mailbox)

    assert before == mails(house)
    assert EQUAL == house.compare()
    assert 4 == house.count("place")


def test_a_mail_that_was_filed_before_it_was_seen_is_found_f6(filed):
    house, person, mailbox = filed

    person.move(house.arrive(person, "new.1", ANNA), "North")
    house.sync(mailbox)

    assert "new.1" in house.ids("anna")
    assert EQUAL == house.compare()


def test_a_mail_that_moved_while_it_waited_is_fetched_once_where_it_is_f5(filed):
    house, person, mailbox = filed
    new = house.arrive(person, "new.1", ANNA)
    house.rows_changed("UPDATE mailbox SET state = 'backfilling'")
    house.mailboxes.sync(str(mailbox))
    while not any(kind == "import" for kind, _ in house.bell.waiting):
        house.run_one()

    person.move(new, "North")
    house.run_jobs()
    house.sync(mailbox)

    assert "new.1" in house.ids("anna")
    assert EQUAL == house.compare()
    assert 0 == house.count("pending")
    assert 1 == person.counters().contents.count(new)


def test_a_moved_mail_that_is_then_deleted_is_removed_f5(filed):
    house, person, mailbox = filed
    ids = list(person.messages())

    person.move(ids[0], "North")
    house.sync(mailbox)
    person.delete(ids[0])
    house.sync(mailbox)
    house.sync(mailbox)

    assert 3 == len(house.ids("anna"))
    assert EQUAL == house.compare()
    assert 3 == house.count("place")


def test_a_folder_that_is_emptied_into_another_and_removed_takes_no_mail_along_f5(filed):
    house, person, mailbox = filed
    before = mails(house)
    ids = list(person.messages())
    for id_ in ids:
        person.move(id_, "North")
    house.sync(mailbox)

    for id_ in ids[:3]:
        person.move(id_, "South")
    person.remove_folder("North")
    house.sync(mailbox)
    house.sync(mailbox)

    assert mails(house) < before
    assert 3 == len(house.ids("anna"))
    assert EQUAL == house.compare()
    assert 4 == len(person.counters().contents)


def test_a_folder_in_deleted_items_counts_as_deleted(filed):
    house, person, mailbox = filed
    ids = list(person.messages())
    person.move(ids[0], "North")
    house.sync(mailbox)

    person.move_folder("North", "deleteditems")
    house.sync(mailbox)
    without = len(house.ids("anna"))
    person.move_folder("Deleted Items/North", "msgfolderroot")
    house.sync(mailbox)

    assert 3 == without
    assert 4 == len(house.ids("anna"))


def test_replayed_changes_do_nothing_twice(filed):
    house, person, mailbox = filed
    before = mails(house)
    house.arrive(person, "new.1", ANNA)
    person.replay("inbox")
    house.sync(mailbox)
    house.arrive(person, "newer.1", ANNA)
    house.sync(mailbox)

    assert before < mails(house)
    assert EQUAL == house.compare()
    assert 6 == len(person.counters().contents)
