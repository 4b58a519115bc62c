"""`leadmail migrate`, `watch` and `clock`: the processes that aren't web or queue workers."""

from __future__ import annotations

import signal
from threading import Event

import typer

from worker import clock as clocks
from worker import watcher as watchers
from worker.boot import required
from worker.commands.speaking import service
from worker.migrate import migrate as migrate_both


def until_signalled() -> Event:
    """Return an event that SIGTERM and SIGINT set."""
    over = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    return over


def migrate() -> None:
    """Bring both databases to the current schema."""
    with service() as built:
        settings = built.settings
        migrate_both(
            required(settings.database_url, "DATABASE_URL"),
            required(settings.vault_database_url, "VAULT_DATABASE_URL"),
        )
        typer.echo("both databases are current")


def clock() -> None:
    """Ring for what is due; any number may run, one is active."""
    with service() as built:
        clocks.run(built, until_signalled())


def watch() -> None:
    """Watch IMAP mailboxes and ring when mail comes; any number may run."""
    with service() as built:
        watchers.run(built, until_signalled())
