"""Which watcher watches which mailbox, as leases that it prolongs in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, Connection, and_, any_, bindparam, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from models.base import AnyRow
from models.mailbox import Lease, Mailbox, State
from models.queries.mailboxes import IDLE_STATES

KIND = "watch"
WATCHABLE = and_(Mailbox.state.not_in((*IDLE_STATES, State.CONNECTING)), ~Mailbox.paused)


def count_watchable(connection: Connection) -> int:
    """Return how many mailboxes of all workspaces are to be watched."""
    return connection.scalar(select(func.count()).where(WATCHABLE)) or 0


def count_watched(connection: Connection) -> int:
    """Return how many mailboxes a living watcher holds."""
    held = select(func.count()).where(Lease.kind == KIND, Lease.until >= func.now())
    return connection.scalar(held) or 0


def take_free(
    connection: Connection, provider: str, ttl: timedelta, limit: int
) -> Sequence[AnyRow]:
    """Take mailboxes that nobody watches; return mailbox, workspace and epoch of each."""
    held = select(Lease.mailbox_id).where(Lease.kind == KIND, Lease.until >= func.now())
    free = (
        select(Mailbox.id, literal(KIND), Mailbox.workspace_id, literal(1), func.now() + ttl)
        .where(Mailbox.provider == provider, WATCHABLE, Mailbox.id.not_in(held))
        .order_by(Mailbox.id)
        .limit(limit)
    )
    return connection.execute(
        insert(Lease)
        .from_select(["mailbox_id", "kind", "workspace_id", "epoch", "until"], free)
        .on_conflict_do_update(
            index_elements=[Lease.mailbox_id, Lease.kind],
            set_={"epoch": Lease.epoch + 1, "until": func.now() + ttl},
            where=Lease.until < func.now(),
        )
        .returning(Lease.mailbox_id, Lease.workspace_id, Lease.epoch)
    ).all()


def prolong(connection: Connection, epochs: Mapping[int, int], ttl: timedelta) -> set[int]:
    """Prolong the watches of mailboxes, given with their epochs; return which are kept.

    One is not kept that another watcher took, or that may not be watched any more.
    """
    mine = (
        func.unnest(
            bindparam("ids", list(epochs), ARRAY(BigInteger)),
            bindparam("epochs", list(epochs.values()), ARRAY(BigInteger)),
        )
        .table_valued("id", "epoch")
        .render_derived("mine")
    )
    return set(
        connection.scalars(
            update(Lease)
            .where(
                Lease.kind == KIND,
                Lease.mailbox_id == mine.c.id,
                Lease.epoch == mine.c.epoch,
                Mailbox.id == Lease.mailbox_id,
                WATCHABLE,
            )
            .values(until=func.now() + ttl)
            .returning(Lease.mailbox_id)
        )
    )


def let_go(connection: Connection, mailbox_ids: Sequence[int]) -> None:
    """Let watches go, so that another watcher takes them at once."""
    connection.execute(
        update(Lease)
        .where(
            Lease.kind == KIND,
            Lease.mailbox_id == any_(bindparam("ids", list(mailbox_ids), ARRAY(BigInteger))),
        )
        .values(until=func.now())
    )
