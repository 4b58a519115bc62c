"""Statistics: how much mail each user exchanged with leads, without naming any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from models.queries import statistics as queries
from privacy.contents import open_active_user
from worker.boot import Service

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Activity:
    """Mails that a user sent and received on a day (UTC)."""

    user: str
    day: date
    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Some of it, and day and user's hash of the last if there is more."""

    items: tuple[Activity, ...]
    next: tuple[int, bytes] | None


def activity_by_user(
    service: Service,
    workspace_id: int,
    first: date,
    last: date,
    after: tuple[int, bytes] | None,
    limit: int,
) -> ActivityPage:
    """Return activity from a first to a last day, by day, behind a position."""
    with service.store.workspace(workspace_id) as connection:
        rows = queries.by_user(
            connection, number_of(first), number_of(last), after or (-(2**31), b""), limit + 1
        )
        found = rows[:limit]
        names = queries.users(connection, {row.user_hash for row in found})
    sealing = service.vault.workspace(workspace_id).sealing
    users = {
        row.user_hash: open_active_user(sealing, workspace_id, row.incarnation, row.sealed_user)
        for row in names
    }
    return ActivityPage(
        tuple(
            Activity(users[row.user_hash], day_of(row.day), int(row.sent), int(row.received))
            for row in found
        ),
        (found[-1].day, found[-1].user_hash) if len(rows) > limit else None,
    )


def number_of(day: date) -> int:
    """Return a day as days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """Return the day that is so many days after 1970-01-01."""
    return date.fromordinal(EPOCH.toordinal() + number)
