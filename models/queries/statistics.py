"""How much mail each user exchanged with leads, day by day; survives every erasure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from models.base import AnyRow
from models.workspace import Activity


def by_user(
    connection: Connection, first_day: int, last_day: int, after: tuple[int, bytes], limit: int
) -> Sequence[AnyRow]:
    """Return day, user's hash, sent and received; days since 1970-01-01 (UTC), both included.

    An account that was connected again has counted its past again: of its connections the
    one that counted most is taken.
    """
    account = (
        select(
            Activity.day,
            Activity.user_hash,
            func.max(Activity.sent).label("sent"),
            func.max(Activity.received).label("received"),
        )
        .where(Activity.day.between(first_day, last_day))
        .group_by(Activity.day, Activity.user_hash, Activity.account_hash)
        .subquery()
    )
    return connection.execute(
        select(
            account.c.day,
            account.c.user_hash,
            func.sum(account.c.sent).label("sent"),
            func.sum(account.c.received).label("received"),
        )
        .where(tuple_(account.c.day, account.c.user_hash) > after)
        .group_by(account.c.day, account.c.user_hash)
        .order_by(account.c.day, account.c.user_hash)
        .limit(limit)
    ).all()


def users(connection: Connection, user_hashes: Collection[bytes]) -> Sequence[AnyRow]:
    """Return for each user's hash one sealed name and the incarnation it is bound to."""
    return connection.execute(
        select(Activity.user_hash, Activity.incarnation, Activity.sealed_user)
        .ext(distinct_on(Activity.user_hash))
        .where(Activity.user_hash.in_(user_hashes))
        .order_by(Activity.user_hash, Activity.incarnation.desc())
    ).all()
