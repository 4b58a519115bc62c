"""A mailbox is only read, and not even that while it is paused."""

from __future__ import annotations

import pytest

from models.store import Fenced
from tests.comparison import EQUAL
from tests.house import House
from tests.tap import Tap
from worker import clock, jobs

ANNA = "anna@customer.test"
READING = {
    *(b"CAPABILITY", b"AUTHENTICATE", b"LOGIN", b"ID", b"ENABLE", b"NOOP", b"LOGOUT", b"STARTTLS"),
    *(b"LIST", b"XLIST", b"STATUS", b"NAMESPACE", b"EXAMINE", b"IDLE", b"UNSELECT"),
    *(b"UID FETCH", b"UID SEARCH"),
}


def test_nothing_but_reading_is_ever_sent_f21(house: House, tap: Tap):
    user = house.user("Deals")
    for number in range(10):
        house.write(user, f"t{number}.1", ANNA)
    mailbox = house.connect(user, port=tap.port)
    house.put_lead("anna", ANNA)
    house.dovecot.move(user, [2], "INBOX", "Deals")
    house.dovecot.delete(user, [3])
    house.write(user, "new.1", ANNA)
    house.sync(mailbox)
    house.disconnect(mailbox)
    house.run_jobs()

    asked = [line for line in tap.commands if b" UID FETCH " in line]
    assert set() == tap.verbs() - READING
    assert b"UID FETCH" in tap.verbs()
    assert [] == [line for line in asked if b"BODY[" in line or b"RFC822 " in line]
    with house.dovecot.client(user) as client:
        client.select_folder("INBOX", readonly=True)
        flags = client.get_flags(client.search())
    assert set() == {flag for some in flags.values() for flag in some} - {b"\\Recent"}


def test_a_paused_mailbox_is_neither_read_nor_written(house: House, tap: Tap):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA)
    mailbox = house.connect(user, port=tap.port)

    house.change(mailbox, paused=True)
    house.run_jobs()
    house.write(user, "t2.1", ANNA)
    before = len(tap.commands), tap.connections
    house.sync(mailbox)
    jobs.sync_mailbox(house.service, mailbox)
    jobs.import_mail(house.service, mailbox)

    assert before == (len(tap.commands), tap.connections)
    assert ["t1.1"] == house.ids("anna")
    assert ("paused", None) == house.state(mailbox)


def test_a_pause_stops_what_is_under_way(house: House, tap: Tap):
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(5):
        house.write(user, f"t{number}.1", ANNA)

    def pause_once(line: bytes) -> None:
        if b"BODY.PEEK[]" in line:
            tap.weather = None
            house.change(next(iter(house.users)), paused=True)

    mailbox = house.connect(user, port=tap.port, runs=False)
    tap.weather = pause_once
    house.run_jobs()
    while_paused = house.count("mail")
    house.change(mailbox, paused=False)
    house.rows_changed("UPDATE pending SET retry_at = now()")
    clock.tick(house.service)
    house.run_jobs()

    assert tap.weather is None
    assert 0 == while_paused
    assert EQUAL == house.compare()


def test_a_mailbox_goes_on_where_it_was_when_the_pause_is_lifted(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA)
    mailbox = house.connect(user)
    house.change(mailbox, paused=True)
    house.run_jobs()
    house.write(user, "t2.1", ANNA)

    house.change(mailbox, paused=False)
    house.run_jobs()

    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


def test_a_disconnected_mailbox_cannot_be_read_from_the_answer_on_f22(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(5):
        house.write(user, f"t{number}.1", ANNA)
    mailbox = house.connect(user)

    house.disconnect(mailbox)
    at_once = house.messages("anna")
    house.run_jobs()

    assert [] == at_once
    assert 0 == sum(
        house.count(table)
        for table in "mail mail_raw participant reference place pending folder lease".split()
    )


def test_a_disconnection_stops_what_is_under_way_f23(house: House, tap: Tap):
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(5):
        house.write(user, f"t{number}.1", ANNA)

    def disconnect_once(line: bytes) -> None:
        if b"BODY.PEEK[]" in line:
            tap.weather = None
            house.disconnect(next(iter(house.users)))

    house.connect(user, port=tap.port, runs=False)
    tap.weather = disconnect_once
    house.run_jobs()

    assert tap.weather is None
    assert 0 == house.count("mail")
    assert 0 == house.count("mailbox")


def test_the_database_refuses_to_write_for_a_paused_mailbox(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    mailbox = house.connect(user)
    write = (
        "INSERT INTO pending (workspace_id, mailbox_id, generation, folder_id, ref, size,"
        " received_at, live) SELECT workspace_id, mailbox_id, generation, id, '1:1', 1, now(),"
        " true FROM folder LIMIT 1"
    )
    written = house.rows_changed(write)
    house.change(mailbox, paused=True)

    with pytest.raises(Fenced):
        house.rows_changed(write.replace("'1:1'", "'1:2'"))

    assert 1 == written
