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
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from sqlalchemy import text

from tests.comparison import EQUAL
from tests.house import House
from tests.letters import letter
from tests.processes import NAMES, ROOT, Processes, until
from tests.storm import rounds, storm

KILLS = rounds(ci=200, full=3000)
WORKERS = 3

pytestmark = storm(KILLS, each=3, beside=180)

LEADS = {name: f"{name}@customer.test" for name in ("anna", "ben", "cleo", "dora")}
OF_A_MAILBOX = (
    "mail mail_raw participant reference attachment place pending folder lease mailbox_grant"
).split()


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


@dataclass(slots=True)
class Life:
    """What people do to mailboxes and leads, at random, and what of it is over."""

    house: House
    threads: dict[str, list[str]] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)

    def begin(self, mailboxes: int) -> None:
        """Make leads and mailboxes with some mail in them."""
        for lead, address in LEADS.items():
            self.house.put_lead(lead, address, runs=False)
        for _ in range(mailboxes):
            self.connect()

    def connect(self) -> None:
        """Connect a mailbox with some mail in it."""
        user = self.house.user("Deals")
        for _ in range(10):
            self.deliver(user)
        self.house.connect(user, port=self.house.dovecot.port, runs=False)

    def deliver(self, user: str) -> None:
        """Let a mail arrive: of a lead or a stranger, in a new thread or an old one."""
        if random.random() < 0.5 or not self.threads:
            thread = f"t{len(self.threads)}"
            self.threads[thread] = []
        else:
            thread = random.choice(list(self.threads))
        held = self.threads[thread]
        # Each thread is one person's, for good.
        people = [*LEADS.values(), "stranger@elsewhere.test"]
        sender = people[int(thread[1:]) % len(people)]
        message_id = f"{thread}.{len(held)}.x"
        mail = letter(message_id, sender, user, answers=held[:1] + held[-1:])
        self.house.deliver(user, mail, folder=random.choice(["INBOX", "INBOX", "Deals"]))
        held.append(message_id)

    def go_on(self) -> None:
        """Let one thing happen, and ring as the watcher would."""
        mailbox, user = random.choice(list(self.house.users.items()))
        dice = random.random()
        if dice < 0.55:
            self.deliver(user)
        elif dice < 0.70:
            self.move(user)
        elif dice < 0.80:
            self.delete(user)
        elif dice < 0.92:
            self.change_leads()
        else:
            self.house.disconnect(mailbox)
            self.gone.append(mailbox)
            self.connect()
        for one in self.house.users:
            self.house.mailboxes.sync(str(one))
        self.house.bell.waiting.clear()

    def move(self, user: str) -> None:
        """Move some mails to the other folder."""
        source, target = random.sample(["INBOX", "Deals"], 2)
        with self.house.dovecot.client(user) as client:
            client.select_folder(source)
            uids = client.search()
            if uids:
                client.move(random.sample(uids, min(3, len(uids))), target)

    def delete(self, user: str) -> None:
        """Delete a mail."""
        with self.house.dovecot.client(user) as client:
            client.select_folder("INBOX")
            uids = client.search()
            if len(uids) > 5:
                client.delete_messages(random.sample(uids, 1))
                client.expunge()

    def change_leads(self) -> None:
        """Let a lead go or come, or take its address away."""
        lead = random.choice(list(LEADS))
        if lead not in self.house.leads:
            self.house.put_lead(lead, LEADS[lead], runs=False)
        elif random.random() < 0.5:
            self.house.erase_lead(lead)
        else:
            self.house.put_lead(lead, f"{lead}@nowhere.test", runs=False)

    def calm(self) -> None:
        """End with all leads there, everything rung for, and what was parked tried again."""
        for lead, address in LEADS.items():
            self.house.put_lead(lead, address, runs=False)
        for mailbox in self.house.users:
            self.house.mailboxes.retry_parked(str(mailbox))
            self.house.mailboxes.sync(str(mailbox))
        self.house.bell.waiting.clear()

    def is_settled(self) -> bool:
        """Tell whether the store equals the mailboxes and nothing is left of the gone ones."""
        return EQUAL == self.house.compare() and not self.residue() and not self.open_erasures()

    def residue(self) -> int:
        """Count what is left of disconnected mailboxes, in rows and keys."""
        left = sum(
            self.house.count(table, f"mailbox_id IN ({self.gone_list()})") for table in OF_A_MAILBOX
        )
        left += self.house.count("mailbox", f"id IN ({self.gone_list()})")
        with self.house.service.vault_store.workspace(self.house.workspace) as vault:
            for table in ("mailbox_key", "message_key"):
                query = f"SELECT count(*) FROM {table} WHERE mailbox_id IN ({self.gone_list()})"
                left += vault.execute(text(query)).scalar_one()
        return left

    def gone_list(self) -> str:
        """Return the ids of disconnected mailboxes, for a query."""
        return ", ".join(map(str, self.gone)) or "0"

    def open_erasures(self) -> int:
        """Count orders to erase that have no certificate yet."""
        with self.house.service.vault_store.workspace(self.house.workspace) as ledger:
            query = text("SELECT count(*) FROM erasure WHERE verified_at IS NULL")
            return int(ledger.execute(query).scalar_one())


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


def test_the_real_processes_killed_at_random_points_lose_nothing(house: House, tmp_path: Path):
    life = Life(house)
    life.begin(mailboxes=3)
    kills = max(8, KILLS // 30)

    with house.processes(tmp_path) as running:
        running.start()
        for _ in range(kills):
            for _ in range(3):
                life.go_on()
            time.sleep(random.uniform(0.2, 2.5))
            kill_and_restart(running, random.choice(NAMES))
        life.calm()
        settled = until(life.is_settled, seconds=120, every=2)
        logs = {name: running.log(name) for name in NAMES}

    for name, said in logs.items():
        print(name, said[-1500:])
    assert (EQUAL, 0, 0) == (house.compare(), life.residue(), life.open_erasures())
    assert settled


def kill_and_restart(running: Processes, name: str) -> None:
    """Kill a process with all that it started, and start it again."""
    running.kill(name)
    running.start(name)
