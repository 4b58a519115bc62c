"""The Procfile's processes killed by the hundred, while mail comes and mailboxes go.

Into the same storm: Redis flushed, killed and restarted, PostgreSQL killed and restarted.
Afterwards the store equals the mailboxes: nothing lost, nothing twice, nothing misfiled; and
every disconnection that was ordered is certified. No mailbox syncs for ever (F11).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from time import sleep

import dramatiq
import pytest
from sqlalchemy import text

from tests.comparison import EQUAL
from tests.databases import Databases
from tests.house import House
from tests.life import Life
from tests.nursery import Nursery
from tests.processes import NAMES, until
from tests.servers.dovecot import Dovecot
from tests.storm import rounds, storm
from worker.broker import build_broker
from worker.embedded import PostgresServer, RedisServer

KILLS = rounds(ci=200, full=3000)
MAILBOXES = 6
REDIS_EVERY, POSTGRES_EVERY = 9, 37
"""After so many kills a server breaks too."""
DISCONNECTED_EVERY = 5
"""More often than people do it, so that the purge is at work when it is killed."""
LONGEST_CALM = 0.5
"""Seconds between a process's being ready and its death, at most, as far as it is its turn."""
HELD_JOBS = "SELECT mailbox_id, kind, epoch FROM lease WHERE kind <> 'watch' AND until > now()"
UNDONE = """
    SELECT m.id, m.state, m.problem, m.failures, m.due_at - now() AS due_in,
      p.attempts, p.reason, p.retry_at - now() AS retried_in, p.folder_id, p.ref
    FROM mailbox m LEFT JOIN pending p ON p.mailbox_id = m.id
"""
HELD_ORDERS = "SELECT id, attempts FROM erasure WHERE verified_at IS NULL AND lease_until > now()"

pytestmark = storm(KILLS, each=3, beside=240)


@dataclass(slots=True)
class Weather:
    """Kills processes and breaks servers, and counts what it did and what it hit."""

    house: House
    nursery: Nursery
    postgres: PostgresServer
    redis: RedisServer
    kills: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    jobs_cut: set[tuple[object, ...]] = field(default_factory=set)
    purges_cut: set[tuple[object, ...]] = field(default_factory=set)

    def kill_one(self, quota: int) -> None:
        """Kill a process that is ready, at a random moment, and start it again."""
        sleep(random.uniform(0, LONGEST_CALM))
        wanted = [name for name in NAMES if self.kills[name] < quota]
        while not (ready := [name for name in wanted if self.nursery.is_ready(name)]):
            sleep(0.02)
        name = random.choice(ready)
        self.look(name)
        self.nursery.kill(name)
        self.nursery.start(name)
        self.kills[name] += 1

    def look(self, name: str) -> None:
        """Note what the victim has in hand: a lease's or an order's every holder has a number."""
        if name == "worker":
            self.jobs_cut |= {tuple(row) for row in self.house.rows(HELD_JOBS)}
        if name == "purge":
            with self.house.service.vault_store.workspace(self.house.workspace) as ledger:
                self.purges_cut |= {tuple(row) for row in ledger.execute(text(HELD_ORDERS))}

    def break_redis(self, how: str) -> None:
        """Let Redis forget everything, or die, or go for a moment."""
        if how == "flushed":
            self.redis.flush()
        elif how == "killed":
            self.redis.kill()
            sleep(random.uniform(0, 0.5))
            self.redis.start()
        else:
            self.redis.restart()
        self.broken[f"Redis {how}"] += 1

    def break_postgres(self, how: str) -> None:
        """Let PostgreSQL die, or go for a moment."""
        if how == "killed":
            self.postgres.kill()
            self.postgres.start()
        else:
            self.postgres.restart()
        self.broken[f"PostgreSQL {how}"] += 1


@pytest.fixture
def own_house(
    own_postgres: PostgresServer, own_redis: RedisServer, dovecot: Dovecot
) -> Iterator[House]:
    """A house on servers that may be broken."""
    house = House(Databases(own_postgres.url, own_postgres.vault_url), own_redis, dovecot)
    yield house
    house.close()


def test_real_processes_killed_and_servers_broken_lose_and_double_nothing(
    own_house: House, own_postgres: PostgresServer, own_redis: RedisServer, tmp_path: Path
):
    house, life = own_house, Life(own_house)
    life.begin(MAILBOXES)
    of_redis = cycle(["flushed", "killed", "restarted"])
    of_postgres = cycle(["killed", "restarted"])
    surroundings = house.environment | {
        "LEADMAIL_CLOCK_SECONDS": "0.3",
        "LEADMAIL_LEASE_SECONDS": "3",
    }

    with Nursery(tmp_path, surroundings) as nursery:
        weather = Weather(house, nursery, own_postgres, own_redis)
        for name in NAMES:
            nursery.start(name)
        for kill in range(KILLS):
            life.go_on()
            if kill % DISCONNECTED_EVERY == 0:
                life.disconnect(random.choice(list(house.users)))
                life.connect()
            ring(house, life)
            weather.kill_one(quota=-(-KILLS // len(NAMES)))
            if kill % REDIS_EVERY == 0:
                weather.break_redis(next(of_redis))
            if kill % POSTGRES_EVERY == 0:
                weather.break_postgres(next(of_postgres))
        during = house.count("change", "kind = 'message.stored'")
        proven = len(life.orders) - life.unproven()
    life.calm()
    with house.processes(tmp_path) as cold:
        cold.start()
        settled = until(life.is_settled, seconds=180, every=1)

    print(*(f"{name}\n{cold.log(name)[-1500:]}" for name in NAMES), sep="\n")
    print(
        f"kills {dict(weather.kills)}, {len(weather.jobs_cut)} jobs and"
        f" {len(weather.purges_cut)} purges cut short; {dict(weather.broken)};"
        f" {during} mails stored, {proven} of {len(life.orders)} disconnections verified meanwhile"
    )
    print(*house.rows(UNDONE), sep="\n")
    assert (EQUAL, 0, 0) == (house.compare(), life.residue(), life.open_erasures())
    assert 0 == life.unproven()
    assert settled
    # A storm that hits nobody at work, or in which nothing gets done, would prove nothing.
    assert min(weather.kills[name] for name in NAMES) >= KILLS // 5
    assert len(weather.jobs_cut) > KILLS // 20
    assert len(weather.purges_cut) > KILLS // 40
    assert during > KILLS // 4


def ring(house: House, life: Life) -> None:
    """Ring the real workers, as the API does for what was just asked of it."""
    broker = build_broker(house.service.settings)
    for mailbox in house.users:
        send(broker, "sync", "sync_mailbox", mailbox)
    for order in life.orders[-1:]:
        send(broker, "purge", "erase", order)
    broker.close()


def send(broker: dramatiq.Broker, queue: str, actor: str, id_: int) -> None:
    """Put a message into a queue."""
    broker.enqueue(dramatiq.Message(queue, actor, (id_,), {}, {}))
