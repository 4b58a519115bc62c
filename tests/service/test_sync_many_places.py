"""A folder of more mails than a statement takes parameters is renumbered or removed like others."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from models.queries import folders
from models.store import is_database_lost
from tests.house import House

ANNA = "anna@customer.test"
PLACES = 70_000
MULTIPLY_MAILS = f"""
    INSERT INTO mail (workspace_id, mailbox_id, generation, policy_version, conversation_id, twin,
        fingerprint, outbound, sent_at, received_at, size, head, body)
    SELECT workspace_id, mailbox_id, generation, policy_version, conversation_id,
        sha256(n::text::bytea), sha256(n::text::bytea), outbound, sent_at, received_at, size,
        head, body
    FROM mail, generate_series(2, {PLACES}) n
"""
PLACE_THEM = """
    INSERT INTO place (workspace_id, mailbox_id, generation, folder_id, mail_id, ref)
    SELECT m.workspace_id, m.mailbox_id, m.generation, p.folder_id, m.id, '9:' || m.id
    FROM mail m, place p WHERE m.id <> p.mail_id
"""


@pytest.fixture
def filled(house: House) -> House:
    """A house whose folder Deals holds very many mails, as far as the store knows."""
    house.set_policy(mirror_removals=False)
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA, folder="Deals")
    house.connect(user)
    house.rows_changed(MULTIPLY_MAILS)
    house.rows_changed(PLACE_THEM)
    assert PLACES == house.count("place")
    return house


@pytest.mark.parametrize("change", ["renumbered", "removed"])
def test_a_folder_of_very_many_mails_may_change_as_a_whole_f7(filled: House, change: str):
    house = filled
    (mailbox, user), *_ = house.users.items()

    if change == "renumbered":
        house.dovecot.renumber(user, "Deals")
    else:
        with house.dovecot.client(user) as client:
            client.delete_folder("Deals")
    house.sync(mailbox)

    assert ("live", None) == house.state(mailbox)
    assert (change == "renumbered") == house.count("place")
    assert PLACES == house.count("mail")


def test_many_refs_are_known_and_forgotten_by_one_statement(filled: House):
    house = filled
    folder = house.rows("SELECT DISTINCT folder_id FROM place")[0].folder_id
    refs = [row.ref for row in house.rows("SELECT ref FROM place")]

    with house.store.workspace(house.workspace) as connection:
        known = folders.known_refs(connection, folder, [*refs, "9:0"])
        count = folders.forget_refs(connection, folder, refs, house.rows("SELECT now()")[0][0])

    assert set(refs) == known
    assert PLACES == count
    assert PLACES == house.count("mail", "unplaced_at IS NOT NULL")


def failing(house: House, statement: str, **values: object) -> DBAPIError:
    """Return how a statement fails."""
    with pytest.raises(DBAPIError) as raised:
        house.rows(statement, **values)
    return raised.value


def test_a_statement_that_can_never_work_is_no_lost_database(house: House):
    many = {f"p{number}": 1 for number in range(65_536)}
    too_many = "SELECT " + "+".join(f":{name}" for name in many)

    error = failing(house, too_many, **many)

    assert isinstance(error, OperationalError)
    assert not is_database_lost(error)


@pytest.mark.parametrize(
    ("state", "is_lost"),
    [
        *(("08006", True), ("40001", True), ("40P01", True), ("55P03", True), ("53300", True)),
        *(("57P01", True), ("57P03", True), ("57014", False), ("23505", False), ("54001", False)),
    ],
)
def test_what_passes_is_told_by_its_code(house: House, state: str, *, is_lost: bool):
    error = failing(house, f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")

    assert state == getattr(error.orig, "sqlstate", None)
    assert is_lost == is_database_lost(error)
    assert isinstance(error.orig, psycopg.Error)
    assert is_lost == is_database_lost(error.orig)


def test_a_database_that_does_not_listen_is_lost(house: House):
    house.environment["DATABASE_URL"] = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    service = house.build()

    with pytest.raises(OperationalError) as raised, service.store.system() as connection:
        connection.execute(text("SELECT 1"))

    assert is_database_lost(raised.value)
