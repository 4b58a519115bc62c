"""What follows when a job goes well or wrong: the mailbox's state, its problem, its next try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import uniform

import structlog
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from connectors.errors import (
    ConnectorError,
    CursorExpired,
    FolderGone,
    GrantRevoked,
    Paced,
    Throttled,
)
from connectors.oauth import GrantEnded
from models.base import AnyRow
from models.mailbox import State
from models.queries import changes, mailboxes
from models.store import Fenced, is_database_lost
from privacy.contents import MailboxCard, open_mailbox
from privacy.vault import Key, Shredded
from worker.boot import Service
from worker.grants import renew_refused

log = structlog.get_logger(__name__)
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=15)
DATABASE_PATIENCE = timedelta(seconds=15)


@contextmanager
def reacting(service: Service, mailbox: AnyRow) -> Iterator[tuple[Key, MailboxCard]]:
    """Open the mailbox's card for the block, and react to what goes wrong in it.

    A fence ends the job in silence. What the provider says becomes the mailbox's problem,
    with its remedy, and when to try again; only a refused grant waits for the person.
    """
    try:
        key = service.vault.mailbox_key(mailbox.workspace_id, mailbox.id)
        card = open_mailbox(key, mailbox.workspace_id, mailbox.id, mailbox.sealed)
        yield key, card
    except (Fenced, Shredded):
        log.info("job_fenced", mailbox_id=mailbox.id)
    except (CursorExpired, FolderGone) as error:
        note_stale(service, mailbox, error)
    except Paced as error:
        with service.store.workspace(mailbox.workspace_id) as connection:
            mailboxes.pace(connection, mailbox.id, error.retry_after)
    except GrantEnded:
        # It was written where it was found out, against the very grant that ended.
        log.info("job_without_grant", mailbox_id=mailbox.id)
    except GrantRevoked as error:
        note_refused(service, mailbox, error)
    except Throttled as error:
        note_problem(service, mailbox, State.FAILING, error.code, error.retry_after)
    except ConnectorError as error:
        note_problem(service, mailbox, State.FAILING, error.code, backoff(mailbox.failures))
    except Exception as error:
        if is_database_lost(error):
            # The database, not the mailbox: once it is back, the mailbox is due at once.
            make_due(service, mailbox)
            raise
        note_problem(service, mailbox, State.FAILING, "internal", backoff(mailbox.failures))
        raise


def note_state(service: Service, mailbox: AnyRow, state: State, synced_at: datetime | None) -> None:
    """Write that the mailbox works; tell the CRM if that is new."""
    with service.store.workspace(mailbox.workspace_id) as connection:
        before = mailboxes.note_progress(connection, mailbox.id, state, synced_at)
        if before not in (state, State.DISCONNECTING):
            changes.record(connection, mailbox.workspace_id, f"mailbox.{state}", str(mailbox.id))


def note_problem(
    service: Service,
    mailbox: AnyRow,
    state: State,
    code: str,
    retry_after: timedelta | None,
) -> None:
    """Write what is wrong with the mailbox; tell the CRM if that is new (F17)."""
    log.warning("mailbox_problem", mailbox_id=mailbox.id, code=code)
    with service.store.workspace(mailbox.workspace_id) as connection:
        if mailboxes.note_problem(connection, mailbox.id, state, code, retry_after):
            changes.record(connection, mailbox.workspace_id, f"mailbox.{state}", str(mailbox.id))


def make_due(service: Service, mailbox: AnyRow) -> None:
    """Make a mailbox due now, waiting a while for a database that is away."""
    for attempt in Retrying(
        retry=retry_if_exception(is_database_lost),
        stop=stop_after_delay(DATABASE_PATIENCE),
        wait=wait_random_exponential(multiplier=0.1, max=1),
        reraise=True,
    ):
        with attempt, service.store.workspace(mailbox.workspace_id) as connection:
            mailboxes.ring(connection, [mailbox.id])


def note_stale(service: Service, mailbox: AnyRow, error: ConnectorError) -> None:
    """List a mailbox again whose folders changed under a job; twice in a row is a problem."""
    if mailbox.failures:
        note_problem(service, mailbox, State.FAILING, error.code, backoff(mailbox.failures))
        return
    with service.store.workspace(mailbox.workspace_id) as connection:
        mailboxes.note_failure(connection, mailbox.id)
    service.doorbell.sync([mailbox.id])


def note_refused(service: Service, mailbox: AnyRow, error: GrantRevoked) -> None:
    """Renew a token that was refused before its time, and try once more; or ask the person.

    A token can be revoked alone. If the provider gives another and that is refused as well, or
    there is nothing to renew, only the person can repair it.
    """
    try:
        renewed = not mailbox.failures and renew_refused(service, mailbox)
    except (GrantEnded, Shredded):
        return
    except ConnectorError as away:
        note_problem(service, mailbox, State.FAILING, away.code, backoff(mailbox.failures))
        return
    if not renewed:
        note_problem(service, mailbox, State.REAUTHORIZE, error.code, None)
        return
    with service.store.workspace(mailbox.workspace_id) as connection:
        mailboxes.note_failure(connection, mailbox.id)
    service.doorbell.sync([mailbox.id])


def backoff(failures: int) -> timedelta:
    """Return how long to wait after so many failures, jittered: 5 s at first, 15 min at most."""
    wait: timedelta = min(FIRST_RETRY * 2 ** min(failures, 10), LONGEST_RETRY)
    return wait * uniform(0.8, 1.2)  # noqa: S311  (jitter, not a secret)
