"""One watcher over thousands of mailboxes: one selector, one connection each, and only rings."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from threading import Event

import pytest

from tests.house import House
from tests.processes import ROOT, until
from tests.storm import rounds, storm
from worker import watcher
from worker.files import limit, raise_limit
from worker.watcher import OPENING_THREADS, Watcher

MAILBOXES = rounds(ci=2000, full=5000)
TOLD = 50
SOON = 20.0
"""Seconds. Each ring takes milliseconds; machines that are busy take their time."""

pytestmark = storm(MAILBOXES, each=0.1)


@dataclass(slots=True)
class Crowd:
    """The server that they wait at."""

    process: subprocess.Popen[str]
    port: int

    def say(self, line: str) -> None:
        """Tell it something."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def count(self) -> tuple[int, int]:
        """Return how many wait, and how often one began to wait anew."""
        self.say("count")
        assert self.process.stdout is not None
        waiting, renewed = self.process.stdout.readline().split()
        return int(waiting), int(renewed)


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """A server for thousands."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers.crowd"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield Crowd(process, int(process.stdout.readline()))
        process.kill()


@pytest.fixture
def turning(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    """A watcher at work, which looks for new mailboxes all the time."""
    monkeypatch.setattr(watcher, "ROUND_SECONDS", 0.2)
    one, over = Watcher(house.service), Event()

    def turn() -> None:
        while not over.is_set():
            one.turn()

    thread = threading.Thread(target=turn)
    thread.start()
    yield one
    over.set()
    thread.join(60)
    one.close()


def test_thousands_of_mailboxes_are_watched_by_one_selector_f10(
    house: House, crowd: Crowd, turning: Watcher
):
    raise_limit()
    assert 2 * MAILBOXES < limit()
    connected = {
        user: house.connect(user, port=crowd.port, runs=False, proves=False)
        for user in (f"u{number}@firm.test" for number in range(MAILBOXES))
    }
    house.bell.waiting.clear()
    house.rows_changed("UPDATE mailbox SET state = 'live', due_at = now() + interval '1 hour'")

    all_wait = until(lambda: MAILBOXES == crowd.count()[0], 30 + MAILBOXES / 20, every=0.5)
    # What came before IDLE began makes no notice, so each is rung for once.
    at_first = until(lambda: set(connected.values()) == rung(house), SOON)
    house.rows_changed("UPDATE mailbox SET due_at = now() + interval '1 hour'")
    house.bell.waiting.clear()
    time.sleep(1)
    unasked = rung(house)
    told = Random(1).sample(sorted(connected), TOLD)
    for user in told:
        crowd.say(user)
    are_rung = until(lambda: {connected[user] for user in told} == rung(house), SOON)
    threads = sum("opening" in one.name for one in threading.enumerate())
    for one in list(turning.held.values()):
        for watch in one.watches:
            watch.due_at = 0
    are_renewed = until(lambda: (MAILBOXES, MAILBOXES) == crowd.count(), SOON, every=0.5)
    lost = [id_ for id_, one in turning.held.items() if not one.watches]

    assert all_wait
    assert at_first
    assert set() == unasked
    assert are_rung
    assert threads <= OPENING_THREADS
    assert are_renewed
    assert [] == lost


def rung(house: House) -> set[int]:
    """Return the mailboxes that were rung for."""
    return {id_ for kind, id_ in list(house.bell.waiting) if kind == "sync"}
