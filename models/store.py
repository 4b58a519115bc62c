"""A database, spoken to in transactions that name whom they are for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

NAME_WORKSPACE = text(
    "SELECT set_config('role', 'leadmail_app', true),"
    " set_config('leadmail.workspace', :workspace, true)"
)
NAME_SYSTEM = text("SELECT set_config('role', 'leadmail_system', true)")


class Refused(Exception):
    """The database refused what this writer wanted to store; its transaction is undone."""


class Fenced(Refused):
    """The mailbox's generation isn't live, it is gone or paused, or the lease was lost: stop."""


class PolicyChanged(Refused):
    """What concerns a lead has changed since this writer decided: decide again."""


class PersonErased(Refused):
    """A participant is tombstoned: this mail may not be stored."""


REFUSALS: dict[str, type[Refused]] = {
    "LM001": Fenced,
    "LM002": PolicyChanged,
    "LM003": PersonErased,
}

FOREIGN_KEY_VIOLATION = "23503"
PASSING = ("08", "25P03", "40", "53", "55P03", "57P0")
"""SQLSTATEs of what passes: connections lost or timed out, a transaction rolled back for
another's sake, too little of something, a lock not had in time, a server that goes or comes."""
IDLE_AT_MOST = timedelta(seconds=10)
"""A transaction in which nothing is said for so long is ended by the server.

A process that stands still loses its locks as it loses its lease; else those who take its
work over would wait for it, for ever."""


class Store:
    """One database behind the walls of row-level security (invariant 13)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def at(cls, url: str, pool_size: int = 5, idle_at_most: timedelta = IDLE_AT_MOST) -> Store:
        """Return the store at a URL; connections are made as they are needed.

        Parameters never reach an exception's text: they may hold what is personal.
        """
        idle_ms = int(idle_at_most.total_seconds() * 1000)
        return cls(
            create_engine(
                url,
                hide_parameters=True,
                pool_size=pool_size,
                max_overflow=10,
                pool_pre_ping=True,
                connect_args={
                    "connect_timeout": 5,
                    "application_name": "leadmail",
                    "options": f"-c idle_in_transaction_session_timeout={idle_ms}",
                },
            )
        )

    @contextmanager
    def workspace(self, workspace_id: int) -> Iterator[Connection]:
        """Open a transaction that sees this workspace and nothing else.

        Raises:
            Fenced, PolicyChanged, PersonErased: The schema's fences refused a row.
        """
        with refusals(), self.engine.begin() as connection:
            connection.execute(NAME_WORKSPACE, {"workspace": str(workspace_id)})
            yield connection

    @contextmanager
    def system(self) -> Iterator[Connection]:
        """Open a transaction that sees what is due in all workspaces, and no mail."""
        with self.engine.begin() as connection:
            connection.execute(NAME_SYSTEM)
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def is_database_lost(error: BaseException) -> bool:
    """Tell whether a transaction failed for the database's sake: it may be tried again.

    A statement that the database, or its driver, will refuse again is a fault of ours.
    """
    if isinstance(error, DBAPIError):
        # Whoever could not even connect has no statement.
        is_lost = error.connection_invalidated or (
            isinstance(error, OperationalError) and error.statement is None
        )
        return is_lost or (error.orig is not None and is_database_lost(error.orig))
    if not isinstance(error, psycopg.Error):
        return False
    return (error.sqlstate or "").startswith(PASSING)


def refusal_of(error: BaseException | None) -> type[Refused] | None:
    """Return what a database's error means: its fences' codes, or a mailbox that is gone.

    Whoever writes for a mailbox that was purged meanwhile breaks a foreign key to it, or to
    its key in the vault.
    """
    if not isinstance(error, psycopg.Error):
        return None
    if error.sqlstate == FOREIGN_KEY_VIOLATION:
        return Fenced if (error.diag.constraint_name or "").endswith("_mailbox_id") else None
    return REFUSALS.get(error.sqlstate or "")


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the error codes of the schema's fences into their exceptions."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        refusal = refusal_of(error.orig if isinstance(error, DBAPIError) else error)
        if refusal is None:
            raise
        raise refusal() from None
