"""A mailbox with very many mails delays none with few: work is cut into slices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.comparison import EQUAL
from tests.house import House
from tests.letters import bulk
from tests.storm import rounds, storm
from worker import jobs, slice  # noqa: A004  # the module's name

ANNA = "anna@customer.test"
ROUNDS = rounds(ci=75, full=3000)
LARGE = 20 * ROUNDS
SMALL, SMALL_MAILBOXES = 10, 20

pytestmark = storm(ROUNDS, each=1.5)


def order_of_going_live(house: House) -> list[int]:
    """Run all jobs one after the other, as a single worker; return who went live when."""
    live: list[int] = []
    while house.bell.waiting:
        kind, id_ = house.bell.waiting.popleft()
        run = {"sync": jobs.sync_mailbox, "import": jobs.import_mail}[kind]
        run(house.service, id_)
        if id_ not in live and house.state(id_)[0] == "live":
            live.append(id_)
    return live


def connect_all(house: House) -> tuple[int, list[int]]:
    """Connect a large mailbox first, then the small ones."""
    house.put_lead("anna", ANNA)
    large = fill(house, LARGE)
    return large, [fill(house, SMALL) for _ in range(SMALL_MAILBOXES)]


def fill(house: House, mails: int) -> int:
    """Connect a mailbox with so many tiny mails of the lead."""
    user = house.user()
    house.deliver(user, *(mail for mail, _ in bulk(user.partition("@")[0], ANNA, user, mails)))
    return house.connect(user, runs=False)


def test_small_mailboxes_are_live_before_a_large_one(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slice, "LEAST_SECONDS", 0.1)
    monkeypatch.setattr(slice, "LOOK_EVERY_SECONDS", 0.0)
    large, small = connect_all(house)

    live = order_of_going_live(house)

    assert large == live[-1]
    assert set(small) == set(live[:-1])
    assert EQUAL == house.compare()


def test_without_slices_the_small_mailboxes_would_wait_control(
    make_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slice.Slice, "is_over", lambda _: False)
    house = make_house()
    large, small = connect_all(house)

    live = order_of_going_live(house)

    assert live.index(large) < min(map(live.index, small[1:]))
