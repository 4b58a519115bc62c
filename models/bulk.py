"""Many rows by one statement: a column is an array, inserted or compared with as a whole.

Measured beside SQLAlchemy's own batches it is several times faster, and unlike COPY it is
allowed on a table with row-level security.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from psycopg import sql
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    String,
    any_,
    bindparam,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

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


def one_of(ids: Collection[int]) -> ColumnElement[bool]:
    """Return ids as one parameter, however many they are; a statement takes 65,535 parameters."""
    return any_of(ids, BigInteger())


def one_of_refs(refs: Collection[str]) -> ColumnElement[bool]:
    """Return refs as one parameter, however many they are."""
    return any_of(refs, String())


def one_of_hashes(hashes: Collection[bytes]) -> ColumnElement[bool]:
    """Return hashes as one parameter, however many they are."""
    return any_of(hashes, LargeBinary())


def any_of(values: Collection[object], kind: TypeEngine[Any]) -> ColumnElement[bool]:
    """Return values of a type as one parameter."""
    return any_(bindparam(None, list(values), ARRAY(kind)))
