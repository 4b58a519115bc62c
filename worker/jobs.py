"""The jobs that a message rings for: each finds out by itself what is due, and may be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import uniform

import structlog
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from connectors.base import Connector, FolderRole
from connectors.errors import ConnectorError, CursorExpired, FolderGone, GrantRevoked, Throttled
from mail.limits import Limits
from models.base import AnyRow
from models.mailbox import State
from models.queries import changes, mailboxes, states
from models.queries import folders as folder_queries
from models.queries.storing import Account
from models.store import Fenced, is_database_lost
from privacy.contents import MailboxCard, open_folder, open_mailbox, seal_active_user
from privacy.purge import NotYetGone
from privacy.vault import Key, Shredded
from worker.boot import Service
from worker.connecting import open_connector
from worker.history import History
from worker.importer import Import
from worker.intake import Intake
from worker.lease import Lease, Work, leased
from worker.policy import Parties
from worker.slice import Slice
from worker.sync import Run

log = structlog.get_logger(__name__)
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=15)
UNSETTLED = (State.CONNECTING, State.BACKFILLING, State.FAILING)
DATABASE_PATIENCE = timedelta(seconds=15)


def sync_mailbox(service: Service, mailbox_id: int) -> None:
    """Catch up with a mailbox for a slice of time; ring again if something is left."""
    workspace = workspace_of(service, mailbox_id)
    if workspace is None:
        return
    again = False
    with leased(service.store, workspace, mailbox_id, Work.SYNC, service.settings.lease) as lease:
        if lease is None:
            return
        with service.store.workspace(workspace) as connection:
            mailbox = mailboxes.begin_sync(connection, mailbox_id, service.settings.lease)
        if mailbox is None:
            return
        with reacting(service, mailbox) as opened:
            key, card = opened
            with connected(service, mailbox) as connector:
                run = Run(
                    store=service.store,
                    policies=service.policies,
                    index=service.vault.workspace(workspace).index,
                    mailbox=mailbox,
                    mailbox_key=key,
                    chosen=card.folders,
                    connector=connector,
                    lease=lease,
                    history=History(service.vault),
                    removal=service.removal,
                    ring_import=service.doorbell.fetch,
                    slice=slice_of(service, Work.SYNC),
                )
                again = run.catch_up()
            again = end_sync(service, mailbox, covered=not again) or again
    if again:
        service.doorbell.sync([mailbox_id])


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


def import_mail(service: Service, mailbox_id: int) -> None:
    """Take in what waits for a mailbox for a slice of time; ring again if something is left."""
    workspace = workspace_of(service, mailbox_id)
    if workspace is None:
        return
    with leased(service.store, workspace, mailbox_id, Work.IMPORT, service.settings.lease) as lease:
        if lease is None:
            return
        with service.store.workspace(workspace) as connection:
            mailbox = mailboxes.fetchable(connection, mailbox_id)
        if mailbox is None:
            return
        with reacting(service, mailbox) as opened:
            key, card = opened
            with connected(service, mailbox) as connector:
                import_of(service, mailbox, key, card, connector, lease).run()
            with service.store.workspace(workspace) as connection:
                now = mailboxes.find(connection, mailbox_id)
            if now is not None and now.state in UNSETTLED:
                settle_state(service, now)
    # Something may have come to wait after the last look and before the lease was let go.
    with service.store.workspace(workspace) as connection:
        waits = mailboxes.has_waiting(connection, mailbox_id)
    if waits:
        service.doorbell.fetch(mailbox_id)


def import_of(
    service: Service,
    mailbox: AnyRow,
    key: Key,
    card: MailboxCard,
    connector: Connector,
    lease: Lease,
) -> Import:
    """Return the import of a mailbox, everything it needs in hand."""
    workspace = mailbox.workspace_id
    keys = service.vault.workspace(workspace)
    with service.store.workspace(workspace) as connection:
        rows = folder_queries.of_mailbox(connection, mailbox.id)
    names = {
        row.id: open_folder(key, workspace, row.id, mailbox.generation, row.sealed).key
        for row in rows
        if row.generation == mailbox.generation
    }
    return Import(
        store=service.store,
        vault=service.vault,
        policies=service.policies,
        mailbox=mailbox,
        mailbox_key=key,
        account=Account(
            mailbox.user_hash,
            mailbox.address_hash,
            seal_active_user(keys.sealing, workspace, mailbox.id, card.user),
        ),
        folder_keys=names,
        connector=connector,
        lease=lease,
        intake=Intake(
            index=keys.index,
            parties=Parties(keys.index),
            own_address=card.address,
            roles={row.id: FolderRole(row.role) for row in rows},
        ),
        limits=Limits(message=service.settings.max_message_bytes),
        batch_bytes=service.settings.batch_bytes,
        slice=slice_of(service, Work.IMPORT),
    )


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


def erase(service: Service, erasure_id: int) -> None:
    """Carry an erasure on to its certificate."""
    try:
        service.purge.run(erasure_id)
    except NotYetGone:
        log.warning("erasure_incomplete", erasure_id=erasure_id)


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


@contextmanager
def connected(service: Service, mailbox: AnyRow) -> Iterator[Connector]:
    """Open the mailbox's connector for the block."""
    connector = open_connector(service, mailbox)
    try:
        yield connector
    finally:
        connector.close()


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


def slice_of(service: Service, work: Work) -> Slice:
    """Return a job's slice of time."""
    return Slice(service.settings.slice_seconds, lambda: service.doorbell.has_waiting(work))


def workspace_of(service: Service, mailbox_id: int) -> int | None:
    """Return the workspace of a mailbox that may be worked on, or None."""
    with service.store.system() as connection:
        mailbox = mailboxes.find(connection, mailbox_id)
    if mailbox is None or mailbox.state in mailboxes.IDLE_STATES or mailbox.paused:
        return None
    workspace: int = mailbox.workspace_id
    return workspace
