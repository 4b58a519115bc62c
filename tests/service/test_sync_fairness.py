"""A mailbox with very many mails delays none with few: work is cut into slices."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.comparison import EQUAL
from tests.house import House
from tests.letters import bulk
from tests.processes import until
from tests.storm import rounds, storm
from tests.tap import Tap
from worker import jobs, slice  # noqa: A004  # the module's name

ANNA = "anna@customer.test"
ROUNDS = rounds(ci=75, full=3000)
LARGE = 20 * ROUNDS
SMALL, SMALL_MAILBOXES = 10, 20
PAST = 3000
"""Mails that a worker is busy with for at least 24 seconds, however fast the machine is: a dozen
batches, each of which the mail server keeps waiting for two."""
SOON = 18
"""Seconds. Measured: 5; it was 31 while nobody knew who waited inside the worker."""

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


def fill(house: House, mails: int, port: int | None = None) -> int:
    """Connect a mailbox with so many tiny mails of the lead, in clear through `port`."""
    user = house.user()
    house.deliver(user, *(mail for mail, _ in bulk(user.partition("@")[0], ANNA, user, mails)))
    return house.connect(user, port=port, runs=False)


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


@pytest.mark.timeout(300)
def test_mailboxes_that_a_busy_worker_has_already_taken_are_not_delayed(
    house: House, tap: Tap, tmp_path: Path
):
    def be_slow(line: bytes) -> None:
        if b"BODY.PEEK[]" in line:
            time.sleep(2)

    tap.weather = be_slow
    house.put_lead("anna", ANNA)
    with house.processes(tmp_path, LEADMAIL_SLICE_SECONDS="120") as running:
        # Two threads are enough to be busy, and the queues short enough to be taken whole.
        running.commands["worker"] = running.commands["worker"].replace("-threads 4", "-threads 2")
        running.start("worker", "clock")
        large = [fill(house, PAST, tap.port) for _ in range(2)]
        began = until(lambda: all(stored(house, id_) for id_ in large), 60)
        small = [fill(house, SMALL) for _ in range(3)]
        are_live = until(lambda: all("live" == house.state(id_)[0] for id_ in small), SOON)
        left = [PAST - stored(house, id_) for id_ in large]

    assert began
    assert are_live
    assert all(count > 0 for count in left)


def stored(house: House, mailbox: int) -> int:
    """Return how many mails of a mailbox are stored."""
    return house.count("mail", f"mailbox_id = {mailbox}")
