"""What is left is counted, wherever it is; what is only on its way is not."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from psycopg import sql

from models.queries import leases
from privacy.purge import NotYetGone
from privacy.verifier import quoted
from tests.databases import Databases
from tests.privacy.ground import ORDERED, World
from worker.embedded import PostgresServer

ANNA, CARL = "anna@lead.example", "carl@other.example"


PLANTED = [
    ("CREATE TABLE {} (mailbox_id bigint, workspace_id bigint)", "public.crm_cache", True),
    ("CREATE TABLE {} (mailbox_id integer)", "public.crm_cache", False),
    ("CREATE TABLE {} (mailbox_id text)", 'public."odd "":name"', True),
    ("CREATE SCHEMA elsewhere; CREATE TABLE {} (mailbox_id bigint)", "elsewhere.crm_cache", False),
]


@pytest.mark.parametrize(
    ("made", "table", "readable"),
    PLANTED,
    ids=["a readable table", "no right to read", "ids as text, an odd name", "another schema"],
)
def test_what_the_purge_knows_nothing_of_is_counted(
    made: str,
    table: str,
    *,
    readable: bool,
    world: World,
    databases: Databases,
    migrated_template: PostgresServer,
):
    workspace = world.workspace()
    box = workspace.mailbox()
    order = world.orders.mailbox(workspace.id, box.id, ORDERED)
    with migrated_template.connect(databases.url.split("/")[3].split("?")[0]) as connection:
        connection.execute(made.format(table))
        connection.execute(f"INSERT INTO {table} (mailbox_id) VALUES ({box.id})")
        if readable:
            connection.execute(f"GRANT SELECT ON {table} TO leadmail_app")

        with pytest.raises(NotYetGone, match="mailbox_id': 1"):
            world.purge().run(order)
        refused = world.order(order, workspace.id)
        connection.execute(f"DROP TABLE {table}")

    assert refused.certificate is None
    assert "verified" != refused.state
    assert refused.lease_until is None
    assert world.purge().run(order)


def test_a_key_of_nothing_is_counted_and_swept_in_the_second_pass(world: World):
    workspace = world.workspace()
    lead, box = workspace.lead(ANNA), workspace.mailbox()
    box.keys(3)
    order = world.orders.lead(workspace.id, lead, ORDERED)

    counted = world.verifier(timedelta(0)).count(world.order(order, workspace.id))
    done = world.purge(timedelta(0)).run(order)

    assert 3 == counted["vault.message_key"]
    assert done
    assert 0 == workspace.count("message_key")


def test_an_import_in_flight_is_no_residue(world: World):
    workspace = world.workspace()
    lead, box = workspace.lead(ANNA), workspace.mailbox()
    workspace.lead(CARL)
    with world.store.workspace(workspace.id) as connection:
        assert leases.take(connection, workspace.id, box.id, "import", timedelta(minutes=1))
    ((id_, key),) = box.keys(1).items()
    order = world.orders.lead(workspace.id, lead, ORDERED)

    with ThreadPoolExecutor(1) as pool:
        purging = pool.submit(world.purge(timedelta(seconds=20)).run, order)
        time.sleep(0.5)
        waited = not purging.done()
        version = box.version()
        with world.store.workspace(workspace.id) as connection:
            box.write(connection, [box.seal(id_, key, [CARL])], version)
        assert purging.result(timeout=15)

    assert waited
    assert {id_} == set(world.vault.message_keys(workspace.id, [id_]))


def test_a_table_keeps_what_sql_allows_in_a_name():
    assert '"a""b\\:c"' == quoted('a"b:c')
    assert sql.Identifier('a"b').as_string(None) == quoted('a"b')
