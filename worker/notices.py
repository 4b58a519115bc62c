"""Notices of Graph's subscriptions: they only ring, so the worst a forged one costs is a look.

Each brings the secret of its subscription (`clientState`), of which a keyed hash is kept. What
else it says isn't looked at, but for what it tells of the subscription itself: its lifecycle.
"""

from __future__ import annotations

from collections.abc import Iterator
from hmac import compare_digest
from typing import TYPE_CHECKING

import orjson
import structlog

from models.queries import bells, mailboxes

if TYPE_CHECKING:
    from worker.boot import Service

log = structlog.get_logger(__name__)
PATH = "/hooks/graph"
MOST = 100
"""Subscriptions named by one request; those of further ones are polled."""
LONGEST = 128
"""Characters of a `clientState` (Graph, subscription resource)."""
REMOVED = "subscriptionRemoved"
CARE = frozenset({"reauthorizationRequired", REMOVED})
"""Tells that a subscription needs care; `missed`, as any notice, that the mail needs a look."""
EVENTS = CARE | {"missed"}


def hear(service: Service, body: bytes) -> int:
    """Ring for the mailboxes that notices are about; return how many there are.

    One of a subscription that has been replaced rings all the same (F10). One that brings no
    secret of ours is dropped, and its sender isn't told.
    """
    told = gathered(body)
    if not told:
        log.warning("notice_not_understood")
        return 0
    expected = [
        (hash_, events)
        for secret, events in told.items()
        for hash_ in service.masters.hashes("watch", secret)
    ]
    rung: set[int] = set()
    with service.store.system() as connection:
        rows = bells.find(connection, [hash_ for hash_, _ in expected])
        for row in rows:
            events = {
                one
                for hash_, events in expected
                if compare_digest(hash_, row.hash)
                for one in events
            }
            rung.add(row.mailbox_id)
            if events & CARE:
                bells.care(connection, row.mailbox_id)
            if REMOVED in events:
                bells.end(connection, row.id)
            for event in events - {""}:
                log.info("watch_told", mailbox_id=row.mailbox_id, lifecycle=event)
        due = mailboxes.ring(connection, sorted(rung))
    if len(rows) < len(told):
        log.warning("notice_refused", unknown=len(told) - len(rows))
    service.doorbell.sync(due)
    return len(due)


def gathered(body: bytes) -> dict[str, set[str]]:
    """Return what is told of each subscription, by its secret; "" stands for a change."""
    found: dict[str, set[str]] = {}
    for secret, event in read(body):
        if secret in found or len(found) < MOST:
            found.setdefault(secret, set()).add(event)
    return found


def read(body: bytes) -> Iterator[tuple[str, str]]:
    """Yield the secret of each notice, and its lifecycle event if it is one of ours."""
    try:
        value = orjson.loads(body)["value"]
    except (ValueError, LookupError, TypeError):
        return
    for notice in value if isinstance(value, list) else ():
        if not isinstance(notice, dict):
            continue
        secret, event = notice.get("clientState"), notice.get("lifecycleEvent")
        if isinstance(secret, str) and 0 < len(secret) <= LONGEST:
            yield secret, event if isinstance(event, str) and event in EVENTS else ""
