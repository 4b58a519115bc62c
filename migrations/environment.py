"""How a migration runs in either database: one at a time, and never waiting long for a lock."""

from __future__ import annotations

from alembic import context
from sqlalchemy import MetaData, text

ONE_MIGRATION_AT_A_TIME = 0x1EAD3A11


def run(metadata: MetaData) -> None:
    """Run the migrations on the connection that `worker.migrate` handed over.

    A lock that isn't had within 10 s fails the migration rather than queue every reader
    behind it; old code goes on against the old schema.
    """
    connection = context.config.attributes["connection"]
    connection.execute(text("SET lock_timeout = '10s'"))
    connection.execute(text("SET statement_timeout = '15min'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ONE_MIGRATION_AT_A_TIME})
    connection.commit()
    try:
        context.configure(
            connection=connection, target_metadata=metadata, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(
            text("SELECT pg_advisory_unlock(:key)"), {"key": ONE_MIGRATION_AT_A_TIME}
        )
        connection.commit()
