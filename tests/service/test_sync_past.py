"""The past of a mailbox: newest first, while new mail flows, from where a run was cut off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.comparison import EQUAL
from tests.house import House
from tests.letters import NOON, bulk, letter
from tests.tap import Tap
from worker import jobs
from worker.planner import Approach

ANNA = "anna@customer.test"
LAST_YEAR = NOON - timedelta(days=365)


def fill(house: House, user: str, mails: int, folder: str = "INBOX") -> None:
    """Let so many mails of the lead lie in a folder, a minute apart, the oldest first."""
    for mail, at in bulk("bulk", ANNA, user, mails):
        house.deliver(user, mail, folder=folder, at=at)


def run_one(house: House, kind: str) -> None:
    """Run the next job of one kind that was rung for, and no other."""
    job = next(job for job in house.bell.waiting if job[0] == kind)
    house.bell.waiting.remove(job)
    {"sync": jobs.sync_mailbox, "import": jobs.import_mail}[kind](house.service, job[1])


def test_mail_that_arrives_during_the_first_listing_is_not_missed_f2(house: House, tap: Tap):
    user = house.user()
    house.put_lead("anna", ANNA)
    fill(house, user, 5)
    late = letter("late.1", ANNA, user)

    def deliver_once(line: bytes) -> None:
        if b" UID FETCH " in line:
            tap.weather = None
            house.deliver(user, late)

    tap.weather = deliver_once
    mailbox = house.connect(user, port=tap.port, runs=False)
    house.run_jobs()
    house.sync(mailbox)

    assert tap.weather is None
    assert EQUAL == house.compare()


def test_the_newest_mails_come_first(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    fill(house, user, 600)

    house.connect(user)

    arrivals = [row.received_at for row in house.rows("SELECT received_at FROM mail ORDER BY id")]
    assert 600 == len(arrivals)
    assert sorted(arrivals, reverse=True) == arrivals


@pytest.mark.usefixtures("by_scan")
def test_new_mail_flows_while_the_past_is_still_listed(make_house: Callable[..., House]):
    house = make_house(slice_seconds=0.001)
    user = house.user()
    house.put_lead("anna", ANNA)
    fill(house, user, 1100)
    house.connect(user, runs=False)
    run_one(house, "sync")

    house.write(user, "new.1", ANNA)
    run_one(house, "sync")
    run_one(house, "import")

    left = house.rows("SELECT remaining FROM folder WHERE role = 'inbox'")[0].remaining
    assert left > 0
    assert "new.1" in house.ids("anna")
    house.run_jobs()
    assert EQUAL == house.compare()


@pytest.mark.usefixtures("by_scan")
def test_a_run_that_is_cut_off_goes_on_at_the_next_page(make_house: Callable[..., House]):
    house = make_house(slice_seconds=0.001)
    user = house.user()
    house.put_lead("anna", ANNA)
    fill(house, user, 1100)

    mailbox = house.connect(user, runs=False)
    lefts = []
    while any(kind == "sync" for kind, _ in house.bell.waiting):
        run_one(house, "sync")
        lefts.append(house.rows("SELECT remaining FROM folder WHERE role = 'inbox'")[0].remaining)
    house.run_jobs()

    assert [600, 100, 0] == lefts[:3]
    assert 1100 == house.show(mailbox).progress.examined
    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


def test_mail_older_than_the_chosen_past_is_left_out_until_the_past_grows_f20(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "old.1", ANNA, at=LAST_YEAR, received=LAST_YEAR)
    house.write(user, "new.1", ANNA, received=NOON)

    mailbox = house.connect(user, since=NOON - timedelta(days=30))
    first = house.ids("anna")
    house.change(mailbox, since=None)
    house.run_jobs()

    assert ["new.1"] == first
    assert ["new.1", "old.1"] == house.ids("anna")
    assert EQUAL == house.compare()


def test_a_longer_past_downloads_nothing_again(house: House, tap: Tap):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "old.1", ANNA, at=LAST_YEAR, received=LAST_YEAR)
    house.write(user, "new.1", ANNA, received=NOON)
    mailbox = house.connect(user, since=NOON - timedelta(days=30), port=tap.port)

    house.change(mailbox, since=LAST_YEAR - timedelta(days=1))
    house.run_jobs()

    assert 2 == tap.bodies
    assert ["new.1", "old.1"] == house.ids("anna")


def test_only_the_chosen_folders_are_read(house: House):
    user = house.user("Deals", "Private")
    house.put_lead("anna", ANNA)
    for folder in ("INBOX", "Deals", "Private"):
        house.write(user, f"{folder}.1", ANNA, folder=folder)

    house.connect(user, folders=("INBOX", "Deals"))

    assert ["Deals.1", "INBOX.1"] == house.ids("anna")


def test_a_newly_chosen_folder_is_looked_through_f20(house: House):
    user = house.user("Deals", "Private")
    house.put_lead("anna", ANNA)
    for folder in ("INBOX", "Deals", "Private"):
        house.write(user, f"{folder}.1", ANNA, folder=folder)
    mailbox = house.connect(user, folders=("INBOX",))

    house.change(mailbox, folders=("INBOX", "Private"))
    house.run_jobs()

    assert ["INBOX.1", "Private.1"] == house.ids("anna")


@pytest.mark.parametrize("mirrors", [True, False], ids=["mirrored", "kept"])
def test_a_folder_that_is_no_longer_chosen_takes_its_mails_along(house: House, mirrors: bool):
    house.set_policy(mirror_removals=mirrors)
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    for folder in ("INBOX", "Deals"):
        house.write(user, f"{folder}.1", ANNA, folder=folder)
    mailbox = house.connect(user)

    house.change(mailbox, folders=("INBOX",))
    house.run_jobs()

    assert ["INBOX.1"] == house.ids("anna")
    assert 1 == house.count("mail")


@pytest.mark.parametrize("folder", ["Drafts", "Trash", "Junk"])
def test_drafts_trash_and_junk_are_left_out_unless_they_are_asked_for(house: House, folder: str):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "left.1", ANNA, folder=folder)

    mailbox = house.connect(user)
    by_itself = house.ids("anna")
    house.change(mailbox, folders=("INBOX", folder))
    house.run_jobs()

    assert [] == by_itself
    assert ["left.1"] == house.ids("anna")


def test_where_one_folder_holds_all_mail_nothing_counts_twice(
    make_house: Callable[..., House], gmail_like
):
    house = make_house(gmail_like)
    user = house.user()
    house.put_lead("anna", ANNA)
    inbox = house.write(user, "both.1", ANNA)
    house.deliver(user, inbox, letter("filed.1", ANNA, user), folder="All Mail")

    house.connect(user)

    assert ["both.1", "filed.1"] == house.ids("anna")
    assert 2 == house.count("mail")


def test_mail_that_came_while_nothing_ran_is_found_however_old_it_is_f12(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "first.1", ANNA)
    mailbox = house.connect(user)
    house.rows_changed("UPDATE mailbox SET last_synced_at = now() - interval '400 days'")

    for days in (399, 200, 30, 3):
        at = NOON - timedelta(days=days)
        house.write(user, f"old{days}.1", ANNA, at=at, received=at)
    house.sync(mailbox)

    assert 5 == len(house.messages("anna"))
    assert EQUAL == house.compare()


def test_a_mailbox_is_not_live_before_its_past_has_been_searched(
    make_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
):
    house = make_house(slice_seconds=1e-6)
    monkeypatch.setattr("worker.history.choose", lambda *_: Approach.SEARCH)
    user = house.user()
    house.put_lead("anna", ANNA)
    fill(house, user, 10)
    mailbox = house.connect(user, runs=False)

    run_one(house, "sync")
    pinned = house.count("folder", "remaining = 0 AND searched_version = 0")
    early = house.show(mailbox)
    house.run_jobs()

    assert 1 == pinned
    assert ("backfilling", 0) == (early.state, early.progress.folders_done)
    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()
