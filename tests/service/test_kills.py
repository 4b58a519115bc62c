"""Kill -9 at random points, while mail comes, moves and goes and leads and mailboxes do.

Afterwards the store equals the mailboxes: nothing lost, nothing twice, nothing in the wrong
place, and of disconnected mailboxes nothing left.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from tests.comparison import EQUAL
from tests.house import House
from tests.life import Life
from tests.processes import ROOT, until
from tests.storm import rounds, storm

KILLS = rounds(ci=200, full=3000)
WORKERS = 3

pytestmark = storm(KILLS, each=3, beside=180)


class LightWorkers:
    """Forked workers; each is ours to kill by its id, at a random point of a job."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with log.open("wb") as errors:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "tests.light_worker"],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.alive: set[int] = set()
        self.working: dict[int, float] = {}
        self.began: SimpleQueue[int] = SimpleQueue()
        self.finished = 0
        self.job_seconds = 0.3
        self.listener = Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self) -> None:
        """Take down what the workers say."""
        assert self.server.stdout is not None
        for line in self.server.stdout:
            what, _, number = line.strip().partition(" ")
            pid = int(number)
            if what == "born":
                self.alive.add(pid)
            elif what == "begin":
                self.working[pid] = time.monotonic()
                self.began.put(pid)
            elif pid in self.working:
                took = time.monotonic() - self.working.pop(pid)
                self.job_seconds += (took - self.job_seconds) / 10
                self.finished += 1

    def start(self) -> None:
        """Start a worker."""
        assert self.server.stdin is not None
        self.server.stdin.write("\n")
        self.server.stdin.flush()

    def kill_one_at_work(self) -> bool:
        """Kill a worker somewhere in the middle of a job; False if none begins any."""
        while True:
            try:
                pid = self.began.get(timeout=1)
            except Empty:
                return False
            # Half of the jobs are spared, else nothing would ever change.
            if pid in self.alive and random.random() < 0.5:
                break
        time.sleep(random.uniform(0, self.job_seconds))
        self.alive.discard(pid)
        self.working.pop(pid, None)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def close(self) -> None:
        """Kill all of them."""
        assert self.server.stdin is not None
        self.server.stdin.close()
        self.server.kill()
        self.server.wait()
        for pid in self.alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.listener.join()
        assert self.server.stdout is not None
        self.server.stdout.close()


@contextmanager
def light_workers(house: House, log: Path) -> Iterator[LightWorkers]:
    """Start workers on a house."""
    workers = LightWorkers(house.environment, log)
    try:
        for _ in range(WORKERS):
            workers.start()
        yield workers
    finally:
        workers.close()


def test_workers_killed_at_random_points_leave_the_store_equal_to_the_mailboxes(
    house: House, tmp_path: Path
):
    log = tmp_path / "workers.log"
    life = Life(house)
    life.begin(mailboxes=4)

    with light_workers(house, log) as workers:
        for kill in range(KILLS):
            if kill % 3 == 0:
                life.go_on()
            while not workers.kill_one_at_work():
                life.go_on()
            workers.start()
        finished, during = workers.finished, house.count("change", "kind = 'message.stored'")
        life.calm()
        settled = until(life.is_settled, seconds=90, every=1)

    print(log.read_text(errors="replace")[-4000:])
    print(
        f"{KILLS} kills at work, {finished} jobs finished and {during} mails stored between,"
        f" {len(life.gone)} disconnections"
    )
    assert (EQUAL, 0, 0) == (house.compare(), life.residue(), life.open_erasures())
    assert settled
    assert during > 0
