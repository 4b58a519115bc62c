"""The database itself refuses what a purge or the policy has overtaken, whoever writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

import models.lead
import models.mail
import models.tally  # noqa: F401  (imported so that all tables are known)
from models.base import Base
from models.store import Fenced, PersonErased, PolicyChanged, refusals
from tests.databases import Databases
from tests.privacy.ground import ORDERED, Box, World
from worker.embedded import PostgresServer

ANNA = "anna@lead.example"
GUARDED = sorted(name for name, table in Base.metadata.tables.items() if "generation" in table.c)
GUARDED.remove("mailbox")
Row = dict[str, Any]


def copies_of(box: Box) -> dict[str, Row]:
    """Return for each guarded table a row that may be inserted, as a copy of one that is there."""
    with box.workspace.world.store.workspace(box.workspace.id) as connection:
        raw = connection.connection.cursor(row_factory=psycopg.rows.dict_row)
        rows = {}
        for table in GUARDED:
            raw.execute(
                sql.SQL("SELECT * FROM {} LIMIT 1").format(sql.Identifier(table)),
            )
            row = raw.fetchone()
            assert row is not None, f"{table} has no row to copy"
            rows[table] = dict(row)
    return rows


def fresh(table: str, row: Row) -> Row:
    """Return the row with another key, so that nothing but a fence can refuse it."""
    others: dict[str, Row] = {
        "attachment": {"part": "9"},
        "folder": {"id": 10**9, "hash": b"another"},
        "mail": {"id": 10**9},
        "mail_raw": {"chunk": 9},
        "mailbox_grant": {},
        "participant": {"role": "reply_to"},
        "pending": {"id": 10**9, "ref": "another"},
        "place": {"id": 10**9, "ref": "another"},
        "reference": {"hash": b"another"},
    }
    return row | others[table]


def insert_row(connection: psycopg.Connection[Any], table: str, row: Row) -> None:
    if table == "mailbox_grant":
        connection.execute("DELETE FROM mailbox_grant")
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        ),
        [Jsonb(value) if isinstance(value, dict) else value for value in row.values()],
    )


@pytest.fixture(scope="module")
def box(module_databases: Databases) -> Iterator[Box]:
    """A mailbox with one row in each guarded table; every test undoes what it does to it."""
    world = World.at(module_databases)
    yield fill(world)
    world.close()


def fill(world: World) -> Box:
    workspace = world.workspace()
    workspace.lead(ANNA)
    box = workspace.mailbox()
    box.store_mails(ANNA)
    with world.store.workspace(workspace.id) as connection:
        cursor = connection.connection.cursor()
        cursor.execute(
            "INSERT INTO pending (workspace_id, mailbox_id, generation, folder_id, ref, size,"
            " received_at, live) VALUES (%s, %s, 1, %s, 'x', 1, now(), true)",
            [workspace.id, box.id, box.folder_id],
        )
    return box


class Writers:
    """Who may write: the service's role, and the owner of the tables, whom nothing binds."""

    def __init__(self, server: PostgresServer, databases: Databases, workspace_id: int) -> None:
        self.server = server
        self.name = databases.url.split("/")[3].split("?")[0]
        self.workspace_id = workspace_id

    @contextmanager
    def writing_as(self, who: str) -> Iterator[psycopg.Connection[Any]]:
        with self.server.connect(self.name) as connection:
            connection.autocommit = False
            if who == "leadmail_app":
                connection.execute(
                    "SELECT set_config('role', 'leadmail_app', true),"
                    " set_config('leadmail.workspace', %s, true)",
                    [str(self.workspace_id)],
                )
            yield connection
            connection.rollback()


@pytest.fixture(scope="module")
def writers(migrated_template: PostgresServer, module_databases: Databases, box: Box) -> Writers:
    return Writers(migrated_template, module_databases, box.workspace.id)


WHO = pytest.mark.parametrize("who", ["leadmail_app", "owner"])
TABLE = pytest.mark.parametrize("table", GUARDED)


@WHO
@TABLE
def test_a_live_mailbox_takes_rows(table: str, who: str, box: Box, writers: Writers):
    # The control of all refusals below: without the fence the same row goes in.
    row = fresh(table, copies_of(box)[table])

    with writers.writing_as(who) as connection:
        insert_row(connection, table, row)


@WHO
@TABLE
def test_a_row_of_an_earlier_generation_is_refused(
    table: str, who: str, box: Box, writers: Writers
):
    row = fresh(table, copies_of(box)[table]) | {"generation": 0}

    with writers.writing_as(who) as connection, pytest.raises(Fenced), refusals():
        insert_row(connection, table, row)


@WHO
@TABLE
@pytest.mark.parametrize(
    "fence",
    [
        "UPDATE mailbox SET state = 'disconnecting'",
        "UPDATE mailbox SET generation = generation + 1",
        "UPDATE mailbox SET paused = true",
    ],
    ids=["disconnecting", "generation raised", "paused"],
)
def test_a_fenced_mailbox_takes_no_row(
    fence: str, table: str, who: str, box: Box, writers: Writers
):
    row = fresh(table, copies_of(box)[table])

    with writers.writing_as(who) as connection:
        connection.execute(fence)
        with pytest.raises(Fenced), refusals():
            insert_row(connection, table, row)


@WHO
@TABLE
def test_a_row_cannot_be_moved_past_the_fence(table: str, who: str, box: Box, writers: Writers):
    for column in ("mailbox_id", "generation", "workspace_id"):
        with writers.writing_as(who) as connection, pytest.raises(Fenced), refusals():
            connection.execute(f"UPDATE {table} SET {column} = {column} + 1")


@WHO
def test_a_mail_decided_under_an_earlier_policy_is_refused(who: str, box: Box, writers: Writers):
    row = fresh("mail", copies_of(box)["mail"])

    with writers.writing_as(who) as connection:
        connection.execute("UPDATE policy SET version = version + 1")
        with pytest.raises(PolicyChanged), refusals():
            insert_row(connection, "mail", row)


@WHO
def test_a_mail_that_names_the_erased_is_refused(who: str, box: Box, writers: Writers):
    row = fresh("participant", copies_of(box)["participant"])

    with writers.writing_as(who) as connection:
        connection.execute(
            "INSERT INTO tombstone (workspace_id, hash) VALUES (%s, %s)",
            [row["workspace_id"], row["address_hash"]],
        )
        with pytest.raises(PersonErased), refusals():
            insert_row(connection, "participant", row)


@WHO
def test_a_participant_cannot_be_renamed(who: str, box: Box, writers: Writers):
    with writers.writing_as(who) as connection, pytest.raises(Fenced), refusals():
        connection.execute("UPDATE participant SET address_hash = 'another'")


@WHO
@pytest.mark.parametrize(
    ("raised", "lowered"),
    [
        ("UPDATE mailbox SET state = 'disconnecting'", "UPDATE mailbox SET state = 'live'"),
        ("SELECT", "UPDATE mailbox SET generation = generation - 1"),
        ("SELECT", "UPDATE policy SET version = version - 1"),
    ],
    ids=["state", "generation", "policy"],
)
def test_a_fence_is_never_lowered(raised: str, lowered: str, who: str, box: Box, writers: Writers):
    with writers.writing_as(who) as connection:
        connection.execute(raised)
        with pytest.raises(Fenced), refusals():
            connection.execute(lowered)


def test_a_temporary_table_does_not_hide_the_fence(box: Box, writers: Writers):
    row = fresh("mail", copies_of(box)["mail"])

    with writers.writing_as("owner") as connection:
        connection.execute("CREATE TEMPORARY TABLE mailbox (LIKE public.mailbox)")
        connection.execute("INSERT INTO pg_temp.mailbox SELECT * FROM public.mailbox")
        connection.execute("UPDATE public.mailbox SET state = 'disconnecting'")
        with pytest.raises(Fenced), refusals():
            insert_row(connection, "mail", row)


def test_every_table_with_a_generation_has_the_fence(box: Box, writers: Writers):
    with writers.writing_as("owner") as connection:
        triggers = connection.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE NOT t.tgisinternal AND t.tgenabled = 'O'"
        ).fetchall()

    guarded = {table for table, trigger in triggers if trigger == "refuse_fenced"}
    pinned = {table for table, trigger in triggers if trigger == "refuse_moved"}
    assert set(GUARDED) == guarded == pinned
    assert {("mail", "refuse_stale_policy"), ("participant", "refuse_tombstoned")} <= set(triggers)


def test_whoever_writes_for_a_mailbox_that_is_gone_is_fenced(
    migrated_template: PostgresServer, databases: Databases, world: World
):
    box = fill(world)
    writers = Writers(migrated_template, databases, box.workspace.id)
    rows, workspace = copies_of(box), box.workspace.id
    world.purge().run(world.orders.mailbox(workspace, box.id, ORDERED))

    for table in ("folder", "mailbox_grant"):
        row, writing = fresh(table, rows[table]), writers.writing_as("leadmail_app")
        with writing as connection, pytest.raises(Fenced), refusals():
            insert_row(connection, table, row)
    with pytest.raises(Fenced):
        box.keys(1)
