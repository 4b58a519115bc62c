"""Fresh pairs of databases for tests: copied from a migrated pair, in a tenth of a second."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from worker.embedded import PostgresServer
from worker.embedded.postgres import DATABASES
from worker.migrate import migrate

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Databases:
    """The URLs of a data database and its vault, both at the current schema."""

    url: str
    vault_url: str


def migrate_templates(server: PostgresServer) -> None:
    """Bring the server's own pair to the current schema, to be copied from."""
    migrate(server.url, server.vault_url)


@contextmanager
def fresh_databases(server: PostgresServer) -> Iterator[Databases]:
    """Yield a copy of the server's own pair; it is dropped afterwards, whoever still uses it."""
    number = next(_numbers)
    names = [f"{template}_{number}" for template in DATABASES]
    with server.connect() as connection:
        for name, template in zip(names, DATABASES, strict=True):
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
    try:
        yield Databases(server.url_of(names[0]), server.url_of(names[1]))
    finally:
        if server.pid is not None:
            with server.connect() as connection:
                for name in names:
                    connection.execute(
                        sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                    )
