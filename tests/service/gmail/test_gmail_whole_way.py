"""Gmail with the real processes: killed at work, read, and at the end nothing is left."""

from __future__ import annotations

from pathlib import Path

from tests.databases import Databases
from tests.fakes.google import Google
from tests.servers.dovecot import Dovecot
from tests.service.cloud_way import walk
from tests.service.gmail.gmail_house import GmailHouse
from tests.storm import rounds, storm
from worker.embedded import PostgresServer, RedisServer

KILLS = rounds(ci=12, full=300)
pytestmark = storm(KILLS, each=5)


def test_nothing_is_lost_or_left_behind_whatever_is_killed(
    own_postgres: PostgresServer,
    own_redis: RedisServer,
    dovecot: Dovecot,
    google: Google,
    tmp_path: Path,
    free_port: int,
) -> None:
    databases = Databases(own_postgres.url, own_postgres.vault_url)
    service_account = google.settings.push_service_account
    house = GmailHouse(
        databases, own_redis, dovecot, google, gmail_push_service_account=service_account
    )
    house.environment["GMAIL_PUSH_SERVICE_ACCOUNT"] = service_account
    google.settings.push_url = f"http://127.0.0.1:{free_port}/hooks/gmail"

    walk(house, (own_postgres, own_redis), tmp_path, free_port, KILLS)

    house.close()
