"""How long a disconnection takes: unreadable, then verified, beside a reader and a full store.

    python -m bench.disconnect [--mails 100000] [--body 10000]

It fills an embedded PostgreSQL (durable, as in production) with sealed mails of two mailboxes,
disconnects one, and prints seconds: until the order is answered (from then on nothing is
readable), until the keys are gone, until the certificate is issued, the longest transaction of
another writer meanwhile, and for comparison a bare DELETE of as many rows of the other mailbox.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select, text

from models.mail import Mail
from models.queries import matching
from tests.databases import Databases
from tests.privacy.ground import ORDERED, Box, World
from worker.embedded import PostgresServer
from worker.migrate import migrate

ANNA = "anna@lead.example"
BATCH = 1000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mails", type=int, default=100_000)
    arguments.add_argument("--body", type=int, default=10_000, help="bytes of each raw mail")
    given = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="lm") as directory,
        PostgresServer(Path(directory) / "pg") as server,
    ):
        migrate(server.url, server.vault_url)
        measure(World.at(Databases(server.url, server.vault_url)), given.mails, given.body)


def measure(world: World, mails: int, body: int) -> None:
    workspace = world.workspace()
    workspace.lead(ANNA)
    box, other = workspace.mailbox(), workspace.mailbox("eva@firm.example", "u2")
    with timed(f"stored {2 * mails} mails of {body} bytes"):
        fill(box, mails, body)
        fill(other, mails, body)
    longest: list[float] = []
    with writing(other, longest):
        began = time.perf_counter()
        order = world.orders.mailbox(workspace.id, box.id, ORDERED)
        unreadable = time.perf_counter() - began
        left = readable(box)
        world.purge().run(order)
        verified = time.perf_counter() - began
    row = world.order(order, workspace.id)
    shredded = (row.shredded_at - row.requested_at).total_seconds()
    print(f"unreadable after {unreadable:.3f} s ({left} mails readable then)")
    print(f"keys gone after {shredded:.2f} s")
    print(f"verified after {verified:.2f} s, {row.removed['mail']} mails removed")
    print(f"longest other writer's transaction meanwhile {max(longest, default=0):.3f} s")
    with timed("bare DELETE of the other mailbox's mails, rows only, one statement a table"):
        delete_bare(other)


def fill(box: Box, mails: int, body: int) -> None:
    """Store mails, one ciphertext for all: what counts here are rows and bytes."""
    pattern = replace(box.seal(0, box.key, [ANNA]), raw=[bytes(body)], head=bytes(400))
    world, version = box.workspace.world, box.version()
    for start in range(0, mails, BATCH):
        ids = list(box.keys(min(BATCH, mails - start)))
        rows = [replace(pattern, id=id_, ref=str(id_), twin=id_.to_bytes(16, "big")) for id_ in ids]
        with world.store.workspace(box.workspace.id) as connection:
            box.write(connection, rows, version)


def readable(box: Box) -> int:
    """Return how many of the mailbox's mails a reader would be shown."""
    with box.workspace.world.store.workspace(box.workspace.id) as connection:
        shown = select(func.count(Mail.id)).where(Mail.mailbox_id == box.id, matching.is_readable())
        return int(connection.scalar(shown) or 0)


@contextmanager
def writing(box: Box, longest: list[float]) -> Iterator[None]:
    """Let another mailbox take in mail during the block, and time its transactions."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.05):
            began = time.perf_counter()
            box.store_mails(ANNA, count=5)
            longest.append(time.perf_counter() - began)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def delete_bare(box: Box) -> None:
    """Delete rows as a program does that neither counts nor proves."""
    with box.workspace.world.store.workspace(box.workspace.id) as connection:
        for table in ("mail_raw", "attachment", "reference", "participant", "place", "mail"):
            connection.execute(text(f"DELETE FROM {table} WHERE mailbox_id = {box.id}"))


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - began:.2f} s", flush=True)


if __name__ == "__main__":
    main()
