"""How a job ends for its mailbox: well, with a problem and its remedy, or fenced in silence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import uniform

import structlog
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from connectors.errors import ConnectorError, CursorExpired, FolderGone, GrantRevoked, Throttled
from models.base import AnyRow
from models.mailbox import State
from models.queries import changes, mailboxes, states
from models.store import Fenced, is_database_lost
from privacy.contents import MailboxCard, open_mailbox
from privacy.vault import Key, Shredded
from worker.boot import Service

log = structlog.get_logger(__name__)
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=15)
DATABASE_PATIENCE = timedelta(seconds=15)


def end_sync(service: Service, mailbox: AnyRow, *, covered: bool) -> bool:
    """Write how the sync ended; tell whether the mailbox is to be synced again at once."""
    with service.store.workspace(mailbox.workspace_id) as connection:
        progress = states.progress(connection, [mailbox.id])[mailbox.id]
    if mailbox.problem is not None and progress.waiting:
        # Listing works; whether fetching does, the import finds out.
        make_due(service, mailbox)
        service.doorbell.fetch(mailbox.id)
        return not covered
    with service.store.workspace(mailbox.workspace_id) as connection:
        # A live mailbox stays it while a new mail waits to be fetched.
        is_live = covered and (not progress.waiting or mailbox.state == State.LIVE)
        state = State.LIVE if is_live else State.BACKFILLING
        note_state(service, mailbox, state, datetime.now(UTC) if covered else None)
        if not covered:
            return True
    if not is_live:
        # The import may have ended between the look and the word, and looked before it.
        settle_state(service, mailbox)
    with service.store.workspace(mailbox.workspace_id) as connection:
        return mailboxes.end_sync(connection, mailbox.id, mailbox.due_at, service.settings.poll)


def settle_state(service: Service, mailbox: AnyRow) -> None:
    """Call a mailbox live once nothing waits and every folder is covered.

    One that had a problem works again, for mail was fetched.
    """
    with service.store.workspace(mailbox.workspace_id) as connection:
        progress = states.progress(connection, [mailbox.id])[mailbox.id]
    covered = progress.folders_total == progress.folders_done
    if covered and progress.folders_total and not progress.waiting:
        note_state(service, mailbox, State.LIVE, None)
    elif mailbox.problem is not None:
        note_state(service, mailbox, State.BACKFILLING, None)


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
    except GrantRevoked as error:
        note_problem(service, mailbox, State.REAUTHORIZE, error.code, None)
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
        before = states.note_progress(connection, mailbox.id, state, synced_at)
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
        if states.note_problem(connection, mailbox.id, state, code, retry_after):
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
        states.note_failure(connection, mailbox.id)
    service.doorbell.sync([mailbox.id])


def backoff(failures: int) -> timedelta:
    """Return how long to wait after so many failures, jittered: 5 s at first, 15 min at most."""
    wait: timedelta = min(FIRST_RETRY * 2 ** min(failures, 10), LONGEST_RETRY)
    return wait * uniform(0.8, 1.2)  # noqa: S311  (jitter, not a secret)
