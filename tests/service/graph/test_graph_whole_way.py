"""Outlook with the real processes: killed at work, read, and at the end nothing is left."""

from __future__ import annotations

from pathlib import Path

from tests.databases import Databases
from tests.fakes.microsoft import Microsoft
from tests.servers.dovecot import Dovecot
from tests.service.cloud_way import walk
from tests.service.graph.graph_house import GraphHouse
from tests.storm import rounds, storm
from worker.embedded import PostgresServer, RedisServer

KILLS = rounds(ci=4, full=300)
pytestmark = storm(KILLS, each=5)


def test_nothing_is_lost_or_left_behind_whatever_is_killed(
    own_postgres: PostgresServer,
    own_redis: RedisServer,
    dovecot: Dovecot,
    microsoft: Microsoft,
    tmp_path: Path,
    free_port: int,
) -> None:
    databases = Databases(own_postgres.url, own_postgres.vault_url)
    house = GraphHouse(databases, own_redis, dovecot, microsoft)

    walk(house, (own_postgres, own_redis), tmp_path, free_port, KILLS)

    assert [{}] == [counted.mutable for counted in microsoft.counters().users.values()]
    house.close()
