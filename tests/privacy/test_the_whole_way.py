"""No word of a mail is left anywhere on its whole way: from the server to the certificate."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.databases import Databases
from tests.house import House
from tests.privacy.canaries import files_with
from tests.privacy.way import Stores, answers, go_wrong, is_verified, letter, read_all
from tests.processes import until
from tests.servers.dovecot import Dovecot
from worker.embedded import PostgresServer, RedisServer

WORD = "zq"


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    """A mail server of this test's own."""
    with Dovecot() as server:
        yield server


def test_canaries_are_found_at_the_mail_server_and_nowhere_else(
    own_postgres: PostgresServer,
    own_redis: RedisServer,
    dovecot: Dovecot,
    tmp_path: Path,
    free_port: int,
) -> None:
    # given a mailbox with mail of a lead and mail that is nobody's business
    databases = Databases(own_postgres.url, own_postgres.vault_url)
    house = House(databases, own_redis, dovecot)
    canary, foreign, control = (WORD + secrets.token_hex(8) for _ in range(3))
    logs = tmp_path / "logs"
    logs.mkdir()
    stores = Stores(own_postgres, own_redis, logs)
    stores.plant_controls(control)
    user = house.user(canary)
    house.put_lead(f"lead-{canary}", f"{canary}@{canary}.example")
    house.deliver(user, letter(canary, f"{canary}@{canary}.example", user), folder=canary)
    house.deliver(user, letter(foreign, f"{foreign}@{foreign}.example", user))

    with house.processes(logs, PORT=str(free_port)) as running:
        # when the real processes take it in, and somebody reads it
        running.start("worker", "purge", "watcher", "clock", "web")
        mailbox = house.connect(user, runs=False)
        assert until(lambda: house.count("mail") == 1, 60)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{free_port}",
            headers={"Authorization": f"Bearer {house.api_key}"},
            trust_env=False,
        ) as api:
            assert until(lambda: answers(api), 60)
            assert canary in read_all(api, f"lead-{canary}")
            go_wrong(api, canary)

        # then nothing can be read of it, in any spelling, before it is disconnected or after
        assert ({}, {}) == (stores.traces(canary), stores.traces(foreign))
        assert set() == stores.without_control(control)
        order = house.disconnect(mailbox)
        assert until(lambda: is_verified(house, order), 60)
        assert ({}, {}) == (stores.traces(canary), stores.traces(foreign))
        assert set() == stores.without_control(control)

    # and the same search does find both where they lie in clear
    assert files_with(canary, dovecot.directory)
    assert files_with(foreign, dovecot.directory)
    house.close()
