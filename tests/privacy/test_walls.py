"""Every table says how it dies, and shows a workspace its own rows and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.exc import DBAPIError

import models.lead
import models.mail
import models.tally
import models.vault  # noqa: F401  (imported so that all tables are known)
from models.base import Base, Impersonal, Marked, Owner, Personal, VaultBase
from models.store import Store
from tests.databases import Databases
from tests.privacy.ground import Box, World
from worker.embedded import PostgresServer

DATA, VAULT = Base.metadata, VaultBase.metadata
MAIL_TABLES = (
    *("mail", "mail_raw", "participant", "reference", "attachment", "place", "conversation"),
    *("mailbox_grant", "lead", "tombstone", "policy_rule", "activity"),
)
UNNAMED = (psycopg.errors.UndefinedObject, psycopg.errors.InvalidTextRepresentation)
ANNA = "anna@lead.example"


def name_of(url: str) -> str:
    return url.split("/")[3].split("?", maxsplit=1)[0]


def of_a_workspace(metadata: MetaData) -> list[str]:
    return sorted(name for name, table in metadata.tables.items() if "workspace_id" in table.c)


@pytest.fixture(scope="module")
def two(module_databases: Databases) -> Iterator[tuple[Box, Box]]:
    """Two workspaces with a mailbox and a mail each."""
    world = World.at(module_databases)
    boxes = []
    for name in ("A firm", "B firm"):
        workspace = world.workspace(name)
        workspace.lead(ANNA)
        box = workspace.mailbox()
        box.store_mails(ANNA)
        boxes.append(box)
    yield boxes[0], boxes[1]
    world.close()


@contextmanager
def rows_everywhere(
    server: PostgresServer, databases: Databases, workspace: int
) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    """Connections of the owner in which every table has a row of the workspace; undone after."""
    names = name_of(databases.url), name_of(databases.vault_url)
    with server.connect(names[0]) as data, server.connect(names[1]) as vault:
        for connection, metadata in ((data, DATA), (vault, VAULT)):
            connection.autocommit = False
            connection.execute("SET LOCAL session_replication_role = replica")
            for table in of_a_workspace(metadata):
                put_row(connection, metadata.tables[table], workspace)
        yield data, vault
        data.rollback()
        vault.rollback()


def put_row(connection: psycopg.Connection[Any], table: Table, workspace: int) -> None:
    """Insert a row that says nothing but whose it is."""
    values: dict[str, object] = {}
    for column in table.columns:
        if column.name == "workspace_id":
            values[column.name] = workspace
        elif column.identity is None and column.server_default is None and not column.nullable:
            values[column.name] = neutral(column.type.compile())
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join([sql.Placeholder()] * len(values)),
        ),
        list(values.values()),
    )


def neutral(kind: str) -> object:
    known: dict[str, object] = {"BIGINT": 10**12, "INTEGER": 1, "BLOB": b"x", "VARCHAR": "x"}
    return known.get(kind, False if kind == "BOOLEAN" else "2026-11-23T08:30:00Z")


@pytest.mark.parametrize("base", [Base, VaultBase], ids=["data", "vault"])
def test_every_table_says_how_it_dies(base: type[Marked]):
    tables = {
        mapper.class_.__tablename__: mapper.class_
        for mapper in base.registry.mappers
        if mapper.class_.metadata is base.metadata
    }

    assert set(base.metadata.tables) == set(tables)
    for table, class_ in tables.items():
        match class_.dies:
            case Personal(owners):
                assert owners, table
            case Impersonal(because):
                assert len(because) > 10, table


def test_a_table_without_the_mark_cannot_be_written():
    class Scratch(Marked):
        __abstract__ = True
        metadata = MetaData()

    def table(name: str, **more: object) -> type[Scratch]:
        key = Column(Integer, primary_key=True)
        return type(name, (Scratch,), {"__tablename__": name, "id": key, **more})

    with pytest.raises(TypeError, match="doesn't say how it dies"):
        table("forgotten")
    # The control: with the mark it can.
    table("kept", dies=Impersonal("because"))
    assert "impersonal: because" == Scratch.metadata.tables["kept"].comment


def test_what_bears_an_owners_id_dies_with_the_owner():
    for mapper in Marked.registry.mappers:
        class_ = mapper.class_
        for owner in (Owner.MAILBOX, Owner.LEAD, Owner.MAIL, Owner.WORKSPACE):
            if f"{owner}_id" in class_.__table__.c and isinstance(class_.dies, Personal):
                assert owner in class_.dies.owners, (class_.__tablename__, owner)


def test_what_hangs_on_a_mail_cannot_outlive_it():
    for table in DATA.tables.values():
        if "mail_id" in table.c:
            (key,) = table.c.mail_id.foreign_keys
            assert ("mail.id", "CASCADE") == (key.target_fullname, key.ondelete)


def test_the_databases_say_of_each_table_what_the_mark_says(
    migrated_template: PostgresServer, module_databases: Databases
):
    for url, metadata in ((module_databases.url, DATA), (module_databases.vault_url, VAULT)):
        with migrated_template.connect(name_of(url)) as connection:
            rows = connection.execute(
                "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class"
                " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
                " AND relname <> 'alembic_version'"
            ).fetchall()

        comments = {row[0]: row[1] for row in rows}
        assert {name: table.comment for name, table in metadata.tables.items()} == comments


def test_every_table_of_a_workspace_is_walled_for_each_command(
    migrated_template: PostgresServer, module_databases: Databases
):
    for url, metadata in ((module_databases.url, DATA), (module_databases.vault_url, VAULT)):
        with migrated_template.connect(name_of(url)) as connection:
            walled: dict[Any, Any] = dict(
                connection.execute(
                    "SELECT c.relname, array_agg(p.cmd ORDER BY p.cmd) FROM pg_class c"
                    " JOIN pg_policies p ON p.tablename = c.relname"
                    " WHERE c.relrowsecurity AND c.relforcerowsecurity"
                    " AND p.roles = '{leadmail_app}' AND p.permissive = 'PERMISSIVE'"
                    " GROUP BY 1"
                ).fetchall()  # type: ignore[arg-type]  # rows of two columns
            )
            unforced = connection.execute(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
                " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
                " AND NOT (relrowsecurity AND relforcerowsecurity)"
            ).fetchall()

        commands = ["DELETE", "INSERT", "SELECT", "UPDATE"]
        assert dict.fromkeys(of_a_workspace(metadata), commands) == {
            table: walled.get(table) for table in of_a_workspace(metadata)
        }
        assert [] == unforced


def test_the_roles_cannot_pass_the_walls(migrated_template: PostgresServer):
    with migrated_template.connect() as connection:
        roles = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles"
            " WHERE rolname IN ('leadmail_app', 'leadmail_system')"
        ).fetchall()

    assert [(False, False, False)] * 2 == roles


def test_a_transaction_that_names_no_workspace_fails(
    migrated_template: PostgresServer, module_databases: Databases, two: tuple[Box, Box]
):
    # The second time the setting is there and empty, as after another's transaction.
    workspace = two[0].workspace.id
    with rows_everywhere(migrated_template, module_databases, workspace) as connections:
        for connection, metadata in zip(connections, (DATA, VAULT), strict=True):
            connection.execute("SET LOCAL ROLE leadmail_app")
            for _ in range(2):
                for table in of_a_workspace(metadata):
                    with pytest.raises(UNNAMED), connection.transaction():
                        connection.execute(f"SELECT count(*) FROM {table}")
                connection.execute("SELECT set_config('leadmail.workspace', '', true)")


def test_another_workspaces_rows_are_neither_seen_nor_written(
    migrated_template: PostgresServer, module_databases: Databases, two: tuple[Box, Box]
):
    mine, theirs = two[0].workspace.id, two[1].workspace.id
    with rows_everywhere(migrated_template, module_databases, theirs) as connections:
        for connection, metadata in zip(connections, (DATA, VAULT), strict=True):
            become(connection, mine)
            for table in of_a_workspace(metadata):
                whose = f"FROM {table} WHERE workspace_id = {theirs}"
                assert (0,) == connection.execute(f"SELECT count(*) {whose}").fetchone(), table
                assert 0 == connection.execute(f"DELETE {whose}").rowcount, table
                touched = f"UPDATE {table} SET workspace_id = {theirs}"
                assert 0 == connection.execute(f"{touched} WHERE workspace_id = {theirs}").rowcount
                with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                    put_row(connection, metadata.tables[table], theirs)

            # The control: those whose rows they are see one in every table.
            become(connection, theirs)
            for table in of_a_workspace(metadata):
                count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
                assert count is not None
                assert count[0] > 0, table


def become(connection: psycopg.Connection[Any], workspace: int) -> None:
    connection.execute(
        "SELECT set_config('role', 'leadmail_app', true),"
        " set_config('leadmail.workspace', %s, true)",
        [str(workspace)],
    )


def test_the_system_role_sees_no_mail(two: tuple[Box, Box]):
    world = two[0].workspace.world
    for table in MAIL_TABLES:
        with world.store.system() as connection, pytest.raises(DBAPIError):
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}")
    for table in ("workspace_key", "mailbox_key", "lead_key"):
        with world.vault.store.system() as connection, pytest.raises(DBAPIError):
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}")

    assert 2 == all_mailboxes(world.store)


def all_mailboxes(store: Store) -> int:
    with store.system() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM mailbox").scalar() or 0)


def test_the_migrations_make_the_tables_that_the_models_describe(two: tuple[Box, Box]):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    world = two[0].workspace.world
    for store, metadata in ((world.store, DATA), (world.vault.store, VAULT)):
        with store.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert [] == compare_metadata(context, metadata)
