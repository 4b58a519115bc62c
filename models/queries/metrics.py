"""What an operator watches: counts over all workspaces that name nobody."""

from __future__ import annotations

from sqlalchemy import Connection, func, literal, select

from models.mail import Pending
from models.mailbox import Mailbox
from models.vault import Erasure


def ask(connection: Connection) -> None:
    """Ask the least there is, to learn whether the database answers."""
    connection.execute(select(literal(1)))


def mailboxes_by_state(connection: Connection) -> dict[str, int]:
    """Return how many mailboxes are in each state; a paused one counts as paused."""
    rows = connection.execute(
        select(Mailbox.state, Mailbox.paused, func.count()).group_by(Mailbox.state, Mailbox.paused)
    )
    counts: dict[str, int] = {}
    for state, paused, count in rows:
        name = "paused" if paused and state != "disconnecting" else state
        counts[name] = counts.get(name, 0) + count
    return counts


def longest_due_seconds(connection: Connection) -> float:
    """Return how many seconds the longest due mailbox waits for its sync; 0 if none is due."""
    oldest = connection.scalar(
        select(func.extract("epoch", func.now() - func.min(Mailbox.due_at))).where(
            ~Mailbox.paused, Mailbox.due_at < func.now()
        )
    )
    return float(oldest or 0)


def pending_mails(connection: Connection) -> tuple[int, int]:
    """Return how many mails wait to be fetched, and how many are parked."""
    waiting, parked = connection.execute(
        select(
            func.count().filter(Pending.reason.is_(None)),
            func.count().filter(Pending.reason.is_not(None)),
        ).select_from(Pending)
    ).one()
    return waiting, parked


def open_erasures(ledger: Connection) -> tuple[int, float]:
    """Return how many erasures aren't verified, and the age of the oldest in seconds."""
    count, age = ledger.execute(
        select(
            func.count(), func.extract("epoch", func.now() - func.min(Erasure.requested_at))
        ).where(Erasure.verified_at.is_(None))
    ).one()
    return count, float(age or 0)
