"""Mails that move, vanish and are renumbered: not lost, not twice, not downloaded again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.comparison import EQUAL
from tests.house import House
from tests.letters import letter
from tests.tap import Tap
from worker import jobs

ANNA = "anna@customer.test"


@pytest.fixture
def either_tap(either_house: House):
    """A tap on the line to the server of `either_house`."""
    with Tap(either_house.dovecot.port) as one:
        yield one


@pytest.mark.parametrize("keeps_arrival", [True, False], ids=["as it was", "copied back"])
def test_a_renumbered_folder_is_neither_downloaded_again_nor_emptied_f7(
    either_house: House, either_tap: Tap, keeps_arrival: bool
):
    house, tap = either_house, either_tap
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    for number in range(30):
        house.write(user, f"t{number}.1", ANNA, folder="Deals")
    mailbox = house.connect(user, port=tap.port)
    before = {row.id for row in house.rows("SELECT id FROM mail")}

    house.dovecot.renumber(user, "Deals", keeps_arrival=keeps_arrival)
    house.write(user, "new.1", ANNA, folder="Deals")
    house.sync(mailbox)
    house.sync(mailbox)

    after = {row.id for row in house.rows("SELECT id FROM mail")}
    assert 30 + 1 == tap.bodies
    assert before < after
    assert 0 == house.count("mail", "unplaced_at IS NOT NULL")
    assert EQUAL == house.compare()


def test_a_folder_renumbered_before_its_mail_was_fetched_loses_nothing_f7(
    either_house: House, either_tap: Tap
):
    house, tap = either_house, either_tap
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    for number in range(10):
        house.write(user, f"t{number}.1", ANNA, folder="Deals")
    mailbox = house.connect(user, port=tap.port, runs=False)
    jobs.sync_mailbox(house.service, house.bell.waiting.popleft()[1])

    house.dovecot.renumber(user, "Deals")
    house.run_jobs()
    house.sync(mailbox)

    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


@pytest.mark.parametrize(
    ("source", "target"),
    [("INBOX", "Deals"), ("Deals", "INBOX")],
    ids=["to a folder listed later", "to a folder listed earlier"],
)
def test_a_moved_mail_stays_one_and_is_not_downloaded_again_f5(
    either_house: House, either_tap: Tap, source: str, target: str
):
    house, tap = either_house, either_tap
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    for number in range(6):
        house.write(user, f"t{number}.1", ANNA, folder=source)
    mailbox = house.connect(user, port=tap.port)
    before = {row.id for row in house.rows("SELECT id FROM mail")}

    house.dovecot.move(user, [2, 3], source, target)
    house.sync(mailbox)
    house.sync(mailbox)

    assert before == {row.id for row in house.rows("SELECT id FROM mail")}
    assert 6 == tap.bodies
    assert EQUAL == house.compare()


@pytest.mark.parametrize("at", [b"LIST", b"EXAMINE", b"UID"])
def test_a_mail_moved_while_the_mailbox_is_listed_is_not_lost_f5(
    either_house: House, either_tap: Tap, at: bytes
):
    house, tap = either_house, either_tap
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    for number in range(6):
        house.write(user, f"t{number}.1", ANNA)
    mailbox = house.connect(user, port=tap.port)
    house.write(user, "new.1", ANNA)

    def move_once(line: bytes) -> None:
        if line.partition(b" ")[2].upper().startswith(at):
            tap.weather = None
            house.dovecot.move(user, [2, 3], "INBOX", "Deals")

    tap.weather = move_once
    house.sync(mailbox)
    house.sync(mailbox)

    assert tap.weather is None
    assert EQUAL == house.compare()


def test_a_mail_moved_before_it_was_fetched_is_not_lost_f5(house: House):
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    for number in range(6):
        house.write(user, f"t{number}.1", ANNA)
    mailbox = house.connect(user, runs=False)
    jobs.sync_mailbox(house.service, house.bell.waiting.popleft()[1])

    house.dovecot.move(user, [2, 3], "INBOX", "Deals")
    house.run_jobs()
    house.sync(mailbox)

    assert EQUAL == house.compare()


def test_mail_removed_upstream_is_removed(either_house: House):
    house = either_house
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(4):
        house.write(user, f"t{number}.1", ANNA)
    mailbox = house.connect(user)

    house.dovecot.delete(user, [1, 3])
    house.sync(mailbox)
    house.sync(mailbox)

    assert ["t1.1", "t3.1"] == house.ids("anna")
    assert 2 == house.count("mail_raw")
    assert EQUAL == house.compare()


def test_mail_removed_upstream_is_kept_where_the_workspace_chose_so(either_house: House):
    house = either_house
    house.set_policy(mirror_removals=False)
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(4):
        house.write(user, f"t{number}.1", ANNA)
    mailbox = house.connect(user)

    house.dovecot.delete(user, [1, 3])
    house.sync(mailbox)
    house.sync(mailbox)

    assert ["t0.1", "t1.1", "t2.1", "t3.1"] == house.ids("anna")


def test_mail_removed_before_it_was_fetched_is_not_missed(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(4):
        house.write(user, f"t{number}.1", ANNA)
    mailbox = house.connect(user, runs=False)
    jobs.sync_mailbox(house.service, house.bell.waiting.popleft()[1])

    house.dovecot.delete(user, [1, 3])
    house.run_jobs()
    house.sync(mailbox)

    assert 0 == house.count("pending")
    assert EQUAL == house.compare()


def test_a_folder_removed_upstream_takes_its_mails_along(either_house: House):
    house = either_house
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    house.write(user, "kept.1", ANNA)
    house.write(user, "gone.1", ANNA, folder="Deals")
    mailbox = house.connect(user)

    with house.dovecot.client(user) as client:
        client.delete_folder("Deals")
    house.sync(mailbox)
    house.sync(mailbox)

    assert ["kept.1"] == house.ids("anna")
    assert ("live", None) == house.state(mailbox)


def test_a_renamed_folder_keeps_its_mails_without_downloading_them_again_f5(
    either_house: House, either_tap: Tap
):
    house, tap = either_house, either_tap
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    for number in range(5):
        house.write(user, f"t{number}.1", ANNA, folder="Deals")
    mailbox = house.connect(user, port=tap.port)

    with house.dovecot.client(user) as client:
        client.rename_folder("Deals", "Won")
    house.sync(mailbox)
    house.sync(mailbox)

    assert 5 == tap.bodies
    assert EQUAL == house.compare()


def test_a_failed_search_removes_nothing(make_house: Callable[..., House], bare_dovecot):
    house = make_house(bare_dovecot)
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(4):
        house.write(user, f"t{number}.1", ANNA)
    with Tap(bare_dovecot.port) as tap:
        mailbox = house.connect(user, port=tap.port)
        house.deliver(user, letter("new.1", ANNA, user))

        tap.weather = lambda line: (
            line.partition(b" ")[0] + b" NO search is out of order\r\n"
            if b" UID SEARCH " in line
            else None
        )
        house.sync(mailbox)
        tap.weather = None
        house.sync(mailbox)

        assert EQUAL == house.compare()


def test_an_unchanged_mailbox_is_not_opened(house: House, tap: Tap):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA)
    mailbox = house.connect(user, port=tap.port)
    house.sync(mailbox)
    tap.commands.clear()

    house.sync(mailbox)

    assert set() == {verb for verb in tap.verbs() if b"EXAMINE" in verb or b"UID" in verb}


def test_a_mail_that_an_import_placed_while_its_last_other_place_went_is_kept_f5(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "kept.1", ANNA)
    mailbox = house.connect(user)
    # What two transactions beside each other leave: a place, and the mark of a mail without.
    house.rows_changed("UPDATE mail SET unplaced_at = now() - interval '1 hour'")

    house.sync(mailbox)
    house.sync(mailbox)

    assert ["kept.1"] == house.ids("anna")
    assert EQUAL == house.compare()
