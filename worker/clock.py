"""The clock: rings for whatever the database says is due, and tidies up; exactly one is active.

Redis may lose every message at any moment: what was due is rung again within seconds.
"""

from __future__ import annotations

from datetime import timedelta
from threading import Event
from time import monotonic

import redis
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from models.queries import answers, changes, connecting, erasures, keys, mailboxes, server
from worker import watches
from worker.boot import Service
from worker.reminders import remind
from worker.security_events import KEPT as EVENT_KEPT

log = structlog.get_logger(__name__)
AT_ONCE = 200
TIDY_EVERY = timedelta(minutes=10)
CHANGE_DAYS = 30
ANSWER_KEPT = timedelta(days=1)
IMPORT_TAKES = timedelta(hours=1)
"""Far longer than an import keeps keys before their mails are stored."""
RETRY_SECONDS = 1.0


def run(service: Service, over: Event) -> None:
    """Tick until `over` is set; wait while another clock is active."""
    while not over.is_set():
        try:
            with service.store.engine.connect() as connection:
                if is_only_clock(connection):
                    log.info("clock_active")
                    tick_while_active(service, connection, over)
        except (DBAPIError, redis.RedisError) as error:
            log.warning("clock_interrupted", error=type(error).__name__)
        over.wait(RETRY_SECONDS)


def is_only_clock(connection: Connection) -> bool:
    """Take the clock's lock, which ends with the connection; tell whether it was free."""
    taken = server.become_clock(connection)
    connection.commit()
    return taken


def tick_while_active(service: Service, connection: Connection, over: Event) -> None:
    """Tick as long as the lock's connection lives."""
    tidied = -TIDY_EVERY.total_seconds()
    while not over.is_set():
        server.is_there(connection)
        connection.commit()
        tick(service)
        if monotonic() - tidied > TIDY_EVERY.total_seconds():
            tidy(service)
            tidied = monotonic()
        over.wait(service.settings.clock_seconds)


def tick(service: Service) -> None:
    """Ring for everything that is due now."""
    with service.store.system() as connection:
        syncs = mailboxes.due_for_sync(connection, AT_ONCE)
        imports = mailboxes.due_for_import(connection, AT_ONCE)
    with service.vault_store.system() as ledger:
        purges = erasures.due(ledger, AT_ONCE)
    for id_ in syncs:
        service.doorbell.sync([id_])
    for id_ in imports:
        service.doorbell.fetch(id_)
    for id_ in purges:
        service.doorbell.purge(id_)


def tidy(service: Service) -> None:
    """Delete what has had its time: answers, links, sessions, the feed, keys of nothing."""
    with service.store.system() as connection:
        gone = {
            "idempotent_answers": answers.forget(connection, ANSWER_KEPT),
            "sign_ins": keys.forget_sign_ins(connection),
            "connect_links": connecting.forget(connection),
            "security_events": connecting.forget_events(connection, EVENT_KEPT),
            "watches": watches.forget(connection),
            "changes": changes.forget(connection, CHANGE_DAYS, limit=100_000),
        }
    gone["reminders"] = remind(service)
    log.info("clock_tidied", keys_of_nothing=service.sweep.run(IMPORT_TAKES), **gone)
