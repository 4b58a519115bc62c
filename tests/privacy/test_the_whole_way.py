"""No word of a mail is left anywhere on its whole way: from the server to the certificate."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.databases import Databases
from tests.house import House
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
    own_postgres: PostgresServer, own_redis: RedisServer, dovecot: Dovecot, tmp_path: Path
) -> None:
    # given a mailbox with mail of a lead and mail that is nobody's business
    databases = Databases(own_postgres.url, own_postgres.vault_url)
    house = House(databases, own_redis, dovecot)
    canary, foreign = (WORD + secrets.token_hex(8) for _ in range(2))
    user = house.user(canary)
    house.put_lead(f"lead-{canary}", f"{canary}@{canary}.example")
    house.deliver(user, letter(canary, f"{canary}@{canary}.example", user), folder=canary)
    house.deliver(user, letter(foreign, f"{foreign}@{foreign}.example", user))

    with house.processes(tmp_path) as running:
        # when the real processes take it in
        running.start("worker", "purge", "watcher", "clock")
        mailbox = house.connect(user, runs=False)
        assert until(lambda: house.count("mail") == 1, 60)
        assert canary in house.messages(f"lead-{canary}")[0].head.subject
        places = [own_postgres.directory, own_redis.directory, tmp_path]

        # then nothing can be read of it, in any spelling, before it is disconnected or after
        assert [] == traces(canary, places, own_postgres, own_redis)
        assert [] == traces(foreign, places, own_postgres, own_redis)
        order = house.disconnect(mailbox)
        assert until(lambda: is_verified(house, order), 60)
        assert [] == traces(canary, places, own_postgres, own_redis)
        assert [] == traces(foreign, places, own_postgres, own_redis)

    # and the same search does find both where they lie in clear
    assert traces(canary, [dovecot.directory], own_postgres, own_redis)
    assert traces(foreign, [dovecot.directory], own_postgres, own_redis)
    house.close()


def letter(canary: str, sender: str, recipient: str) -> bytes:
    """Return a mail with the canary in every field that a person fills."""
    return (
        f"From: {canary} <{sender}>\r\nTo: <{recipient}>\r\nCc: {canary} <cc@{canary}.example>\r\n"
        f"Subject: {canary}\r\nMessage-ID: <{canary}@{canary}.example>\r\n"
        "Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\n{canary} wrote this.\r\n"
        f"--b\r\nContent-Type: text/html\r\n\r\n<p>{canary}</p>\r\n"
        "--b\r\nContent-Type: text/plain\r\n"
        f'Content-Disposition: attachment; filename="{canary}.txt"\r\n\r\n'
        f"{canary} is attached.\r\n--b--\r\n"
    ).encode()


def is_verified(house: House, order: int) -> bool:
    """Tell whether the erasure has its certificate."""
    with house.service.vault_store.workspace(house.workspace) as ledger:
        row = ledger.exec_driver_sql("SELECT state FROM erasure WHERE id = %s", (order,)).first()
    return row is not None and row.state == "verified"


def traces(
    canary: str, places: list[Path], postgres: PostgresServer, doorbell: RedisServer
) -> list[str]:
    """Return the files that hold the canary in some spelling; memory is written out first."""
    with postgres.connect() as connection:
        connection.execute("CHECKPOINT")
    redis_writes(doorbell)
    wanted = spellings(canary)
    return [
        f"{file}: {name}"
        for place in places
        for file in sorted(place.rglob("*"))
        if file.is_file() and not file.is_symlink()
        for name, spelling in wanted.items()
        if spelling in file.read_bytes()
    ]


def redis_writes(server: RedisServer) -> None:
    """Let Redis write its memory to disk."""
    with redis.Redis.from_url(server.url) as client:
        client.save()


def spellings(canary: str) -> dict[str, bytes]:
    """Return the canary as it might be written, cut so that alignment doesn't matter."""
    clear = canary.encode()
    found = {
        "clear": clear,
        "upper": clear.upper(),
        "utf-16": canary.encode("utf-16-le"),
        "hex": clear.hex().encode(),
        "HEX": clear.hex().upper().encode(),
        "reversed": clear[::-1],
    }
    for offset in range(3):
        coded = base64.b64encode(b"-" * offset + clear)
        found[f"base64 at {offset}"] = coded[4 * (offset > 0) : -4]
    return found
