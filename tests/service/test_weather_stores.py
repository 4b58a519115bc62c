"""PostgreSQL and Redis killed, restarted, emptied and slow; workers stopped: by itself well again.

Real processes on servers of their own. Each test brings its own mailbox, and afterwards the
store equals all mailboxes.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.comparison import EQUAL
from tests.databases import Databases, migrate_templates
from tests.house import House
from tests.letters import bulk
from tests.processes import Processes, until
from tests.servers.dovecot import Dovecot
from tests.servers.frozen import frozen
from worker.embedded import PostgresServer, RedisServer

pytestmark = pytest.mark.timeout(300)
ANNA = "anna@customer.test"
MAILS = 800
SLOW_SECONDS = 6.0
"""Longer than a lease of these processes."""
SECONDS = 90.0
"""Generous, for machines that do much else: what is asserted is that it happens by itself."""


@dataclass(frozen=True, slots=True)
class Running:
    """A house with its servers and its processes."""

    house: House
    postgres: PostgresServer
    redis: RedisServer
    processes: Processes

    def connect(self, mails: int = MAILS) -> int:
        """Connect a mailbox that holds so many mails of the lead."""
        user = self.house.user()
        for mail, at in bulk(user.partition("@")[0], ANNA, user, mails, text="word " * 200):
            self.house.deliver(user, mail, at=at)
        return self.house.connect(user, runs=False)

    def stored(self, mailbox: int) -> int:
        """Return how many mails of a mailbox are stored."""
        return self.house.count("mail", f"mailbox_id = {mailbox}")

    def connect_until_backfilling(self) -> int:
        """Connect a mailbox and wait until a part of it is there."""
        mailbox = self.connect()
        assert until(lambda: self.stored(mailbox) > 0, SECONDS, every=0.01)
        return mailbox

    def is_live(self, mailbox: int) -> bool:
        """Tell whether a mailbox is live with all of its mails."""
        return self.stored(mailbox) >= MAILS and "live" == self.house.state(mailbox)[0]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> Iterator[Running]:
    """A house whose servers may be broken; its processes live through it all."""
    at = tmp_path_factory.mktemp("running")
    with PostgresServer(at / "pg", durable=False) as postgres, RedisServer(at / "redis") as redis:
        migrate_templates(postgres)
        house = House(Databases(postgres.url, postgres.vault_url), redis, dovecot)
        house.put_lead("anna", ANNA, runs=False)
        with house.processes(at, LEADMAIL_POLL_SECONDS="3600") as processes:
            processes.start()
            yield Running(house, postgres, redis, processes)
        house.close()


@pytest.fixture(autouse=True)
def all_processes_live(running: Running) -> Iterator[None]:
    """Whatever the weather, no process may have ended."""
    yield
    ended = {
        name: running.processes.log(name)[-2000:]
        for name, process in running.processes.running.items()
        if process.poll() is not None
    }
    assert {} == ended


def lock_all_mail(postgres: PostgresServer) -> None:
    """Let another session keep everybody from the mails for a while."""
    with postgres.connect("leadmail") as other, other.transaction():
        other.execute("LOCK TABLE mail IN ACCESS EXCLUSIVE MODE")
        time.sleep(SLOW_SECONDS)


@pytest.mark.parametrize("how", ["killed", "restarted", "frozen", "locked"])
def test_postgresql_breaks_during_a_backfill(running: Running, how: str):
    mailbox = running.connect_until_backfilling()

    match how:
        case "killed":
            running.postgres.kill()
            time.sleep(1)
            running.postgres.start()
        case "restarted":
            running.postgres.restart()
        case "frozen":
            with frozen(running.postgres):
                time.sleep(SLOW_SECONDS)
        case "locked":
            lock_all_mail(running.postgres)

    assert until(lambda: running.is_live(mailbox), SECONDS)
    assert EQUAL == running.house.compare()


def empty(redis: RedisServer) -> None:
    """Put an empty server in the place of a Redis."""
    redis.kill()
    for left in redis.directory.iterdir():
        if left.is_dir() and left.name.startswith("appendonly"):
            shutil.rmtree(left)
        elif left.suffix in (".aof", ".rdb"):
            left.unlink()
    redis.start()


def freeze(redis: RedisServer) -> None:
    """Let a Redis answer nothing for a while."""
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGSTOP)
    time.sleep(4)
    os.kill(redis.pid, signal.SIGCONT)


@pytest.mark.parametrize("how", ["flushed", "killed", "restarted", "replaced", "frozen"])
def test_redis_breaks_during_a_backfill(running: Running, how: str):
    mailbox = running.connect_until_backfilling()

    match how:
        case "flushed":
            running.redis.flush()
        case "killed":
            running.redis.kill()
            time.sleep(1)
            running.redis.start()
        case "restarted":
            running.redis.restart()
        case "replaced":
            empty(running.redis)
        case "frozen":
            freeze(running.redis)

    assert until(lambda: running.is_live(mailbox), SECONDS)
    assert EQUAL == running.house.compare()


def test_mail_is_taken_in_again_after_redis_was_away(running: Running):
    mailbox = running.connect(mails=1)
    running.redis.kill()
    time.sleep(1)
    user = running.house.users[mailbox]
    running.house.write(user, "while-away.1", ANNA)
    running.redis.start()
    assert until(lambda: running.stored(mailbox) == 2, SECONDS)


def test_a_worker_stopped_past_its_lease_writes_nothing_when_it_wakes_f11(running: Running):
    house, processes = running.house, running.processes
    mailbox = running.connect_until_backfilling()

    processes.signal("worker", signal.SIGSTOP)
    processes.start("worker-2")
    went_on = until(lambda: running.is_live(mailbox), SECONDS)
    before = house.count("mail")
    processes.signal("worker", signal.SIGCONT)
    time.sleep(3)
    processes.kill("worker-2")

    assert went_on
    assert before == house.count("mail")
    assert EQUAL == house.compare()


def test_a_delivery_is_seen_by_itself_long_before_the_poll_f10(running: Running):
    house = running.house
    mailbox = running.connect(mails=1)
    watched = f"kind = 'watch' AND mailbox_id = {mailbox} AND until > now()"
    assert until(lambda: house.state(mailbox)[0] == "live", SECONDS)
    assert until(lambda: house.count("lease", watched) == 1, SECONDS)
    time.sleep(2)

    house.write(house.users[mailbox], "pushed.1", ANNA)

    assert until(lambda: running.stored(mailbox) == 2, SECONDS)


def test_a_delivery_that_nobody_notices_is_found_by_the_poll_f10(running: Running, tmp_path: Path):
    house = running.house
    mailbox = running.connect(mails=1)
    assert until(lambda: house.state(mailbox)[0] == "live", SECONDS)
    running.processes.signal("watcher", signal.SIGSTOP)

    house.write(house.users[mailbox], "unnoticed.1", ANNA)
    time.sleep(3)
    unseen = running.stored(mailbox)
    house.rows_changed(f"UPDATE mailbox SET due_at = now() WHERE id = {mailbox}")
    found = until(lambda: running.stored(mailbox) == 2, SECONDS)
    running.processes.signal("watcher", signal.SIGCONT)

    assert 1 == unseen
    assert found
