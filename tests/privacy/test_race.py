"""A purge raced by writers that check nothing: no row comes back, and no key."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event

from psycopg import sql

from models.store import Fenced, PersonErased, PolicyChanged
from privacy.order import Orders
from privacy.purge import Purge
from tests.databases import Databases
from tests.privacy.ground import ORDERED, Box, World
from tests.privacy.test_fences import GUARDED
from tests.storm import rounds, storm
from worker.embedded import PostgresServer

ROUNDS = rounds(ci=100, full=3000)
WRITERS = 8
ANNA = "anna@lead.example"
OF_A_MAILBOX = ("mail", "mail_raw", "participant", "reference", "attachment", "place")

pytestmark = storm(ROUNDS, each=5)


@dataclass
class Raced:
    """What the writers of a round did."""

    stored: int = 0
    refused: int = 0
    over: Event = field(default_factory=Event)


def keep_writing(box: Box, raced: Raced, version: int, patience: int) -> None:
    """Insert mails as the importer does, again and again, until refused a few times."""
    world, workspace = box.workspace.world, box.workspace.id
    refused = 0
    # Sealing costs time in which nothing races: one mail's ciphertext serves all.
    pattern = box.seal(0, box.key, [ANNA])
    while refused < patience and not raced.over.is_set():
        mail = random.getrandbits(62)
        try:
            world.vault.make_message_keys(workspace, box.id, box.key, [mail])
        except Fenced:
            refused += 1
        try:
            with world.store.workspace(workspace) as connection:
                box.write(connection, [replace(pattern, id=mail, ref=str(mail))], version)
            raced.stored += 1
        except (Fenced, PersonErased, PolicyChanged):
            raced.refused += 1
            refused += 1


def race(box: Box, purge: Callable[[Box], None], patience: int) -> Raced:
    """Let writers write while the purge runs; return what they did."""
    raced, version = Raced(), box.version()
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [pool.submit(keep_writing, box, raced, version, patience) for _ in range(WRITERS)]
        time.sleep(random.uniform(0.0, 0.05))
        try:
            purge(box)
        finally:
            time.sleep(0.02)
            raced.over.set()
        for writer in writers:
            writer.result()
    return raced


def left_of(box: Box) -> dict[str, int]:
    """Return the rows and keys of a mailbox that are still there."""
    tables = (*OF_A_MAILBOX, "message_key", "mailbox_key", "folder", "mailbox_grant")
    counted = {table: box.workspace.count(table, f"mailbox_id = {box.id}") for table in tables}
    return {table: count for table, count in counted.items() if count}


def test_nothing_of_a_purged_mailbox_comes_back(world: World):
    workspace, orders, purge = world.workspace(), world.orders, world.purge()
    workspace.lead(ANNA)
    stored = refused = 0

    for _ in range(ROUNDS):
        box = workspace.mailbox()
        raced = race(box, partial(disconnect, orders, purge), 2)

        assert {} == left_of(box)
        stored, refused = stored + raced.stored, refused + raced.refused

    # A race in which nobody wrote, or nobody was refused, would prove nothing.
    assert stored > ROUNDS
    assert refused > ROUNDS


def disconnect(orders: Orders, purge: Purge, box: Box) -> None:
    order = orders.mailbox(box.workspace.id, box.id, ORDERED)
    assert purge.run(order)


@contextmanager
def unfenced(server: PostgresServer, databases: Databases) -> Iterator[None]:
    """Take all triggers, those of the foreign keys too, from the tables of a scratch database."""
    with server.connect(databases.url.split("/")[3].split("?")[0]) as connection:
        for table in GUARDED:
            connection.execute(
                sql.SQL("ALTER TABLE {} DISABLE TRIGGER ALL").format(sql.Identifier(table))
            )
    yield


def test_without_the_fences_rows_come_back(
    world: World, databases: Databases, migrated_template: PostgresServer
):
    # The control arm: the same race on the same schema without its triggers.
    workspace, orders, purge = world.workspace(), world.orders, world.purge()
    workspace.lead(ANNA)
    came_back = 0

    with unfenced(migrated_template, databases):
        for _ in range(4):
            box = workspace.mailbox()
            race(box, partial(try_purge, orders, purge), 10**6)
            came_back += "mail" in left_of(box)

    assert came_back >= 2


def try_purge(orders: Orders, purge: Purge, box: Box) -> None:
    """Delete until nothing is left, as far as that is possible; nothing is certified."""
    order = orders.mailbox(box.workspace.id, box.id, ORDERED)
    row = box.workspace.world.order(order, box.workspace.id)
    for _ in range(5):
        if not purge.delete_mails(row):
            break
