"""A transaction that stands still: a process is stopped in it, a machine frozen, a line cut."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from models.queries import threads
from models.store import Store, is_database_lost
from tests.databases import Databases

NEVER = timedelta(0)
SOON = timedelta(milliseconds=300)


def take(connection: Connection, seconds: int) -> None:
    """Take a lock that every import takes, or fail after a while."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{seconds}s'"))
    threads.hold_threads(connection, workspace_id=1)


def test_a_transaction_that_stands_still_lets_its_locks_go(databases: Databases):
    standing = Store.at(databases.url, idle_at_most=SOON)
    other = Store.at(databases.url)

    def stand_still() -> None:
        with standing.workspace(1) as held:
            take(held, seconds=1)
            with other.workspace(1) as connection:
                take(connection, seconds=30)

    with pytest.raises(DBAPIError) as raised:
        stand_still()

    assert is_database_lost(raised.value)
    standing.close()
    other.close()


def test_without_that_bound_its_locks_are_kept_from_all_others(databases: Databases):
    """The control arm: what is asserted above is the bound's work."""
    standing = Store.at(databases.url, idle_at_most=NEVER)
    other = Store.at(databases.url)

    with standing.workspace(1) as held:
        take(held, seconds=1)
        with pytest.raises(DBAPIError), other.workspace(1) as connection:
            take(connection, seconds=2)

    standing.close()
    other.close()
