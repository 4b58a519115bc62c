"""Inserting many rows by one statement: a column is an array, and PostgreSQL unnests them.

Measured beside SQLAlchemy's own batches it is several times faster, and unlike COPY it is
allowed on a table with row-level security.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from psycopg import sql
from sqlalchemy import Connection

from models.base import Marked

Column = Sequence[object]


def insert_columns(
    connection: Connection,
    table: type[Marked],
    *,
    ignore_held: bool = False,
    **columns: Column,
) -> int:
    """Insert rows given as columns of equal length; return how many were new.

    With `ignore_held`, rows that break a unique constraint are passed over.
    """
    arrays = {name: list(values) for name, values in columns.items()}
    *others, last = arrays
    if not arrays[last]:
        return 0
    # A value that all rows share travels once: packing arrays costs by the element.
    shared = tuple(
        name for name in others if arrays[name].count(arrays[name][0]) == len(arrays[name])
    )
    rest = tuple(name for name in arrays if name not in shared)
    statement = insert_statement(table, shared, rest, ignore_held=ignore_held)
    cursor = connection.connection.cursor()
    try:
        cursor.execute(
            statement, [*(arrays[name][0] for name in shared), *(arrays[name] for name in rest)]
        )
        return cursor.rowcount
    finally:
        cursor.close()


@cache
def insert_statement(
    table: type[Marked], shared: tuple[str, ...], rest: tuple[str, ...], *, ignore_held: bool
) -> bytes:
    """Return the INSERT for these columns: shared values first, then arrays, all binary."""
    types = {column.name: pg_type(column.type.compile()) for column in table.__table__.columns}
    return (
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM unnest({}) AS given{}")
        .format(
            sql.Identifier(table.__tablename__),
            sql.SQL(", ").join(map(sql.Identifier, (*shared, *rest))),
            sql.SQL(", ").join(
                [*(sql.SQL(f"%b::{types[name]}") for name in shared), sql.SQL("given.*")]
            ),
            sql.SQL(", ").join(sql.SQL(f"%b::{types[name]}[]") for name in rest),
            sql.SQL(" ON CONFLICT DO NOTHING" if ignore_held else ""),
        )
        .as_bytes()
    )


def pg_type(name: str) -> str:
    """Return PostgreSQL's name of a column type of ours."""
    return {"BLOB": "bytea", "VARCHAR": "text", "DATETIME": "timestamptz"}.get(name, name)
