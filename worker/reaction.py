"""How a job ends for its mailbox: well, with a problem and its remedy, or fenced in silence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import uniform

import structlog
from sqlalchemy import Connection
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from connectors.errors import (
    ClaimsWanted,
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
from models.queries import changes, mailboxes, states
from models.store import Fenced, is_database_lost
from privacy.contents import MailboxCard, open_mailbox
from privacy.vault import Key, Shredded
from worker.boot import Service
from worker.grants import remember_claims, renew_refused
from worker.lease import Lease

log = structlog.get_logger(__name__)
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=15)
DATABASE_PATIENCE = timedelta(seconds=15)


def end_sync(service: Service, mailbox: AnyRow, lease: Lease, *, covered: bool) -> bool:
    """Write how the sync ended; tell whether the mailbox is to be synced again at once."""
    with service.store.workspace(mailbox.workspace_id) as connection:
        waits = states.awaits_mail(connection, mailbox.id)
    if mailbox.problem is not None and waits:
        # Listing works; whether fetching does, the import finds out.
        make_due(service, mailbox)
        service.doorbell.fetch(mailbox.id)
        return not covered
    # A live mailbox stays it while a new mail waits to be fetched.
    is_live = covered and (not waits or mailbox.state == State.LIVE)
    state = State.LIVE if is_live else State.BACKFILLING
    note_state(service, mailbox, lease, state, datetime.now(UTC) if covered else None)
    if not covered:
        return True
    if not is_live:
        # The import may have ended between the look and the word, and looked before it.
        settle_state(service, mailbox, lease)
    with service.store.workspace(mailbox.workspace_id) as connection:
        return mailboxes.end_sync(connection, mailbox.id, mailbox.due_at, service.settings.poll)


def settle_state(service: Service, mailbox: AnyRow, lease: Lease) -> None:
    """Call a mailbox live once nothing waits and every folder is covered.

    One that had a problem works again, for mail was fetched.
    """
    with service.store.workspace(mailbox.workspace_id) as connection:
        is_done = states.has_come_through(connection, mailbox.id) and not states.awaits_mail(
            connection, mailbox.id
        )
    if is_done:
        note_state(service, mailbox, lease, State.LIVE, None)
    elif mailbox.problem is not None:
        note_state(service, mailbox, lease, State.BACKFILLING, None)


@contextmanager
def reacting(service: Service, mailbox: AnyRow, lease: Lease) -> Iterator[tuple[Key, MailboxCard]]:
    """Open the mailbox's card for the block, and react to what goes wrong in it.

    A fence or a lost lease ends the job in silence. What the provider says becomes the
    mailbox's problem, with its remedy, and when to try again; only a grant that was refused
    twice waits for the person.
    """
    with ending_fenced(mailbox):
        version = grant_version(service, mailbox)
        try:
            key = service.vault.mailbox_key(mailbox.workspace_id, mailbox.id)
            card = open_mailbox(key, mailbox.workspace_id, mailbox.id, mailbox.sealed)
            yield key, card
        except (Fenced, Shredded):
            raise
        except (CursorExpired, FolderGone) as error:
            note_stale(service, mailbox, lease, error)
        except Paced as error:
            with holding(service, mailbox, lease) as connection:
                mailboxes.pace(connection, mailbox.id, error.retry_after)
        except GrantEnded:
            # It was written where it was found out, against the very grant that ended.
            log.info("job_without_grant", mailbox_id=mailbox.id)
        except GrantRevoked as error:
            note_refused(service, mailbox, lease, version, error)
        except Throttled as error:
            note_failing(service, mailbox, lease, error.code, error.retry_after)
        except ConnectorError as error:
            note_failing(service, mailbox, lease, error.code, backoff(mailbox.failures))
        except Exception as error:
            if is_database_lost(error):
                # The database, not the mailbox: once it is back, the mailbox is due at once.
                make_due(service, mailbox)
                raise
            with ending_fenced(mailbox):
                note_failing(service, mailbox, lease, "internal", backoff(mailbox.failures))
            raise


@contextmanager
def ending_fenced(mailbox: AnyRow) -> Iterator[None]:
    """End the block in silence once the mailbox or the lease is lost."""
    try:
        yield
    except (Fenced, Shredded):
        log.info("job_fenced", mailbox_id=mailbox.id)


@contextmanager
def holding(service: Service, mailbox: AnyRow, lease: Lease) -> Iterator[Connection]:
    """Open a transaction that may change the mailbox's state.

    Raises:
        Fenced: The lease or the generation is lost, perhaps to who has just renewed the
            grant: what this job has seen is of no more interest (F18).
    """
    with service.store.workspace(mailbox.workspace_id) as connection:
        lease.hold(connection)
        if not mailboxes.hold_to_change(connection, mailbox.id, mailbox.generation):
            raise Fenced
        yield connection


def grant_version(service: Service, mailbox: AnyRow) -> int | None:
    """Return which of the mailbox's grants is in force; None if it has none."""
    with service.store.workspace(mailbox.workspace_id) as connection:
        return mailboxes.grant_version(connection, mailbox.id)


def note_state(
    service: Service, mailbox: AnyRow, lease: Lease, state: State, synced_at: datetime | None
) -> None:
    """Write that the mailbox works; tell the CRM if that is new."""
    with holding(service, mailbox, lease) as connection:
        before = states.note_progress(connection, mailbox.id, state, synced_at)
        if before not in (state, State.DISCONNECTING):
            changes.record(connection, mailbox.workspace_id, f"mailbox.{state}", str(mailbox.id))


def note_refused(
    service: Service, mailbox: AnyRow, lease: Lease, version: int | None, error: GrantRevoked
) -> None:
    """Believe a refused grant only when it is refused twice in a row, read anew each time (F18).

    A token can be revoked alone, so where there is one it is renewed first, and tried at once.
    `version` is of the grant that was refused, or of one before it: if another is in force
    by now, it is that one's turn.
    """
    is_again = mailbox.problem == error.code
    wanted = error.claims if isinstance(error, ClaimsWanted) else ""
    if not is_again:
        try:
            renewed = renew_refused(service, mailbox, wanted)
        except GrantEnded:
            return
        except ConnectorError as away:
            note_failing(service, mailbox, lease, away.code, backoff(mailbox.failures))
            return
        if renewed and not mailbox.failures:
            with holding(service, mailbox, lease) as connection:
                states.note_failure(connection, mailbox.id)
            service.doorbell.sync([mailbox.id])
            return
    if is_again and wanted:
        version = remember_claims(service, mailbox, version, wanted)
    with holding(service, mailbox, lease) as connection:
        if is_again and mailboxes.grant_version(connection, mailbox.id) == version:
            write_problem(connection, mailbox, State.REAUTHORIZE, error.code, None)
        else:
            wait = backoff(mailbox.failures if is_again else 0)
            write_problem(connection, mailbox, State.FAILING, error.code, wait)


def note_failing(
    service: Service, mailbox: AnyRow, lease: Lease, code: str, retry_after: timedelta
) -> None:
    """Write what is wrong with the mailbox and when to try again."""
    with holding(service, mailbox, lease) as connection:
        write_problem(connection, mailbox, State.FAILING, code, retry_after)


def write_problem(
    connection: Connection,
    mailbox: AnyRow,
    state: State,
    code: str,
    retry_after: timedelta | None,
) -> None:
    """Write what is wrong with the mailbox; tell the CRM if that is new (F17)."""
    log.warning("mailbox_problem", mailbox_id=mailbox.id, code=code)
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


def note_stale(service: Service, mailbox: AnyRow, lease: Lease, error: ConnectorError) -> None:
    """List a mailbox again whose folders changed under a job; twice in a row is a problem."""
    if mailbox.failures:
        note_failing(service, mailbox, lease, error.code, backoff(mailbox.failures))
        return
    with holding(service, mailbox, lease) as connection:
        states.note_failure(connection, mailbox.id)
    service.doorbell.sync([mailbox.id])


def backoff(failures: int) -> timedelta:
    """Return how long to wait after so many failures, jittered: 5 s at first, 15 min at most."""
    wait: timedelta = min(FIRST_RETRY * 2 ** min(failures, 10), LONGEST_RETRY)
    return wait * uniform(0.8, 1.2)  # noqa: S311  (jitter, not a secret)
