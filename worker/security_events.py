"""Security events of providers (RISC): an account in danger loses its grants here at once.

An event is believed when its signature, issuer and audience hold. It is heard once; to hear it
again would change nothing, but it could hit a grant that the person has given since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from connectors.oauth import GrantEnded
from connectors.oauth.risc import Event, SecurityEvents
from models.queries import connecting
from privacy.vault import Shredded
from worker.boot import Service
from worker.grants import end, read
from worker.subjects import holders, holders_of_token

log = structlog.get_logger(__name__)
ONE_SECOND = timedelta(seconds=1)
KEPT = timedelta(days=30)
"""How long an event is remembered; an older one isn't believed any more."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What an event led to: how many grants it ended."""

    ended: int = 0


def hear(service: Service, events: SecurityEvents, token: str) -> Heard:
    """Verify a security event token, and end the grants that it is about.

    Raises:
        connectors.oauth.Unproven: It isn't from the provider, or not for us.
        connectors.errors.ConnectorError: The provider's keys are not to be had now.
    """
    heard = events.verify(token, datetime.now(UTC) - KEPT)
    hash_ = service.masters.hashes("security event", f"{events.provider} {heard.id}")
    with service.store.system() as connection:
        if any(connecting.was_heard(connection, one) for one in hash_):
            return Heard()
    ended = 0
    for event in heard.events:
        if event.ends_grants:
            ended += sum(
                end_older(service, workspace, mailbox, heard.at)
                for workspace, mailbox in concerned(service, events, event)
            )
        log.info("security_event", kind=event.kind, ended=ended)
    # Last: an event that was half heard when this process died is sent again.
    with service.store.system() as connection:
        connecting.note_heard(connection, hash_[0])
    return Heard(ended)


def concerned(service: Service, events: SecurityEvents, event: Event) -> Iterator[tuple[int, int]]:
    """Yield workspace and mailbox of the grants that an event is about."""
    if event.subject:
        yield from holders(service, events.provider, event.subject)
    if event.token:
        yield from holders_of_token(service, event.token)


def end_older(service: Service, workspace_id: int, mailbox_id: int, at: datetime) -> bool:
    """End a grant that was given before an event; tell whether it was."""
    while True:
        try:
            held = read(service, workspace_id, mailbox_id)
        except (GrantEnded, Shredded):
            return False
        given = held.grant.granted_at
        # An event's time is in whole seconds.
        if given is not None and given >= at + ONE_SECOND:
            return False
        if end(service, workspace_id, mailbox_id, held.row.version):
            return True
