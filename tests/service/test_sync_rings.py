"""What is rung for is done once, however often it was rung for, and what is left is rung again."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from tests.comparison import EQUAL
from tests.house import House
from tests.tap import Tap
from worker.slice import Slice

ANNA = "anna@customer.test"


def test_a_message_that_comes_twice_is_one_login(house: House, tap: Tap):
    mailbox = house.connect(house.user(), port=tap.port)
    house.mailboxes.sync(str(mailbox))
    before = tap.connections

    house.bell.sync([mailbox] * 5)
    house.run_jobs()

    assert 1 == tap.connections - before


def test_a_sync_whose_slice_ended_is_due_again(
    house: House, tap: Tap, monkeypatch: pytest.MonkeyPatch
):
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    for number in range(3):
        house.write(user, f"t{number}.1", ANNA)
        house.write(user, f"d{number}.1", ANNA, folder="Deals")
    monkeypatch.setattr(Slice, "is_over", lambda _: True)

    mailbox = house.connect(user, port=tap.port)

    assert ("live", None) == house.state(mailbox)
    assert 2 < tap.connections
    assert EQUAL == house.compare()


def test_a_job_counts_no_mails(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    said: list[str] = []

    @event.listens_for(house.store.engine, "before_cursor_execute")
    def listen(_connection, _cursor, statement: str, *_: object) -> None:
        said.append(statement)

    mailbox = house.connect(user)
    house.write(user, "t1.1", ANNA)
    house.sync(mailbox)
    by_jobs = list(said)
    state = house.state(mailbox)

    counts = [one for one in said if "count(*)" in one and "FROM mail " in one]
    assert ("live", None) == state
    assert set() == set(counts) & set(by_jobs)
    assert [] != counts
