"""The whole way of a mail, for tests that search it: all stores, readers, and a telling letter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx
import redis

from tests.house import House
from tests.privacy.canaries import files_with
from worker.embedded import PostgresServer, RedisServer


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
