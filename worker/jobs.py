"""The jobs that a message rings for: each finds out by itself what is due, and may be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import structlog

from connectors.base import Connector, FolderRole
from mail.limits import Limits
from models.base import AnyRow
from models.mailbox import State
from models.queries import folders as folder_queries
from models.queries import mailboxes
from models.queries.storing import Account
from privacy.contents import MailboxCard, open_folder, seal_active_user
from privacy.purge import NotYetGone
from privacy.vault import Key
from worker.boot import Service
from worker.connecting import open_connector
from worker.history import History
from worker.importer import Import
from worker.intake import Intake
from worker.lease import Lease, Work, leased
from worker.policy import Parties
from worker.reaction import end_sync, make_due, reacting, settle_state
from worker.slice import Slice
from worker.sync import Run
from worker.watches import Watching

log = structlog.get_logger(__name__)
UNSETTLED = (State.CONNECTING, State.BACKFILLING, State.FAILING)


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
        with reacting(service, mailbox, lease) as opened:
            key, card = opened
            # The few mails that a live mailbox brings come by the connection that found them.
            is_live = mailbox.state == State.LIVE
            with connected(service, mailbox, Work.SYNC) as connector:
                # First: what comes before a new watch rings is found by the look that follows.
                Watching(service, mailbox, key, card).keep(connector)
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
                    ring_import=do_nothing if is_live else service.doorbell.fetch,
                    slice=slice_of(service, Work.SYNC),
                )
                again = run.catch_up()
                if is_live and run.brought:
                    import_at_once(service, mailbox, key, card, connector)
            again = end_sync(service, mailbox, lease, covered=not again) or again
            if again:
                make_due(service, mailbox)
    if again:
        service.doorbell.sync([mailbox_id])


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
        with reacting(service, mailbox, lease) as opened:
            key, card = opened
            with connected(service, mailbox, Work.IMPORT) as connector:
                import_of(service, mailbox, key, card, connector, lease).run()
            with service.store.workspace(workspace) as connection:
                now = mailboxes.find(connection, mailbox_id)
            if now is not None and now.state in UNSETTLED:
                settle_state(service, now, lease)
    # Something may have come to wait after the last look and before the lease was let go.
    with service.store.workspace(workspace) as connection:
        waits = mailboxes.has_waiting(connection, mailbox_id)
    if waits:
        service.doorbell.fetch(mailbox_id)


def do_nothing(_: int) -> None:
    """Ring for nobody."""


def import_at_once(
    service: Service, mailbox: AnyRow, key: Key, card: MailboxCard, connector: Connector
) -> None:
    """Take in what a sync has found, without another job and another login; ring for the rest."""
    workspace, ttl = mailbox.workspace_id, service.settings.lease
    with leased(service.store, workspace, mailbox.id, Work.IMPORT, ttl) as lease:
        if lease is not None:
            import_of(service, mailbox, key, card, connector, lease).run()
    with service.store.workspace(workspace) as connection:
        waits = mailboxes.has_waiting(connection, mailbox.id)
    if waits:
        service.doorbell.fetch(mailbox.id)


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


def erase(service: Service, erasure_id: int) -> None:
    """Carry an erasure on to its certificate."""
    try:
        service.purge.run(erasure_id)
    except NotYetGone:
        log.warning("erasure_incomplete", erasure_id=erasure_id)


@contextmanager
def connected(service: Service, mailbox: AnyRow, work: Work) -> Iterator[Connector]:
    """Open the mailbox's connector for the block."""
    connector = open_connector(service, mailbox, partial(service.doorbell.has_waiting, work))
    try:
        yield connector
    finally:
        connector.close()


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
