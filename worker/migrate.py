"""Brings both databases to the current schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def migrate(database_url: str, vault_url: str) -> None:
    """Migrate the data database and the vault; safe to repeat and to run twice at once.

    Raises:
        sqlalchemy.exc.OperationalError: A database is away or a lock wasn't had in time.
    """
    for name, url in (("data", database_url), ("vault", vault_url)):
        engine = create_engine(url, hide_parameters=True)
        try:
            with engine.connect() as connection:
                command.upgrade(config(name, connection), "head")
        finally:
            engine.dispose()


def config(name: str, connection: object) -> Config:
    """Return alembic's configuration for one of the databases, on an open connection."""
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS / name).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


def is_current(name: str, connection: Connection) -> bool:
    """Tell whether a database ("data" or "vault") has the schema of this version."""
    heads = set(ScriptDirectory.from_config(config(name, connection)).get_heads())
    return set(MigrationContext.configure(connection).get_current_heads()) == heads
