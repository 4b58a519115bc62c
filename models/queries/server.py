"""What the database server itself is asked: its time, its roles, and who is the only clock."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

ONE_CLOCK = 0x1EADC10C


def become_clock(connection: Connection) -> bool:
    """Take the clock's lock, which ends with the connection; tell whether it was free."""
    return bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ONE_CLOCK}))


def has_clock(connection: Connection) -> bool:
    """Tell whether someone holds the clock's lock in this database."""
    held = text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND classid = 0 AND objid = :key AND objsubid = 1 AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    return bool(connection.scalar(held, {"key": ONE_CLOCK}))


def is_there(connection: Connection) -> bool:
    """Ask for nothing, to learn whether the connection lives."""
    return bool(connection.scalar(text("SELECT true")))


def time(connection: Connection) -> datetime:
    """Return the server's time."""
    now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now


def passes_walls(connection: Connection) -> bool:
    """Tell whether the present role can pass row-level security (invariant 13)."""
    passes = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    return bool(connection.scalar(passes))
