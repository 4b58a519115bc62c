"""No word of a mail is left anywhere on its whole way: from the server to the certificate."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis

from tests.databases import Databases
from tests.house import House
from tests.privacy.canaries import files_with
from tests.processes import until
from tests.servers.dovecot import Dovecot
from worker.embedded import PostgresServer, RedisServer

WORD = "zq"


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    """A mail server of this test's own."""
    with Dovecot() as server:
        yield server


@dataclass(frozen=True)
class Stores:
    """Everything that Leadmail writes to: each is searched after its memory is written out."""

    postgres: PostgresServer
    redis: RedisServer
    logs: Path

    def traces(self, canary: str) -> dict[str, int]:
        """Return the files that hold the canary in some spelling."""
        with self.postgres.connect() as connection:
            connection.execute("CHECKPOINT")
        with redis.Redis.from_url(self.redis.url) as client:
            client.save()
        return files_with(canary, self.postgres.directory, self.redis.directory, self.logs)

    def plant_controls(self, canary: str) -> None:
        """Put a canary into each of them, as something that should not be there."""
        with self.postgres.connect() as connection:
            connection.execute("CREATE TABLE control (word text)")
            connection.execute("INSERT INTO control VALUES (%s)", (canary,))
        with redis.Redis.from_url(self.redis.url) as client:
            # What is compressed can't be searched.
            client.config_set("rdbcompression", "no")
            client.set("control", canary * 20)
        (self.logs / "control.log").write_text(canary)

    def without_control(self, canary: str) -> set[str]:
        """Return the stores in which a planted canary is not found."""
        found = self.traces(canary)
        places = {
            "PostgreSQL": self.postgres.data,
            "Redis": self.redis.directory,
            "logs": self.logs,
        }
        return {
            name
            for name, place in places.items()
            if not any(Path(file).is_relative_to(place) for file in found)
        }


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


def answers(api: httpx.Client) -> bool:
    """Tell whether the API answers."""
    try:
        return api.get("/healthz").is_success
    except httpx.TransportError:
        return False


def read_all(api: httpx.Client, lead: str) -> str:
    """Read a lead's mail as a CRM does, in every form; return what was read."""
    read = []
    for conversation in api.get(f"/v1/leads/{lead}/conversations").json()["items"]:
        for message in api.get(f"/v1/conversations/{conversation['id']}/messages").json()["items"]:
            read += [api.get(f"/v1/messages/{message['id']}{form}").text for form in ("", "/raw")]
            read += [api.get(f"/v1/attachments/{one['id']}").text for one in message["attachments"]]
    return "".join(read)


def go_wrong(api: httpx.Client, canary: str) -> None:
    """Ask for what isn't there and send what can't be: errors are what logs are full of."""
    asked = [
        api.get(f"/v1/leads/{canary}/conversations"),
        api.get("/v1/leads", params={"cursor": canary}),
        api.put(f"/v1/leads/{canary}", json={"name": canary, "addresses": canary}),
        api.post("/v1/mailboxes", json={"provider": canary, "password": canary}),
        api.get(f"/{canary}", headers={"Authorization": f"Bearer {canary}"}),
    ]
    assert all(answer.is_client_error for answer in asked), asked


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
