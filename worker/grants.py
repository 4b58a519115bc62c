"""Tokens that are good for a while: renewed ahead of their end, by one worker at a time.

The right to ask the provider is a lease, so that no transaction waits for the network, and what
comes back is swapped in by version, so that a grant that the person has given meanwhile is never
overwritten. Only `invalid_grant`, twice, with the row read again between, ends a grant (F18).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import uniform
from time import monotonic, sleep
from typing import TYPE_CHECKING

import structlog
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from connectors.errors import Unreachable
from connectors.oauth import GrantEnded, InteractionWanted, Tokens
from mail.address import Address
from models.base import AnyRow
from models.mailbox import State
from models.queries import changes, grants, leases, states
from models.store import is_database_lost
from privacy.contents import Grant, open_delegation, open_grant, open_mailbox, seal_grant
from privacy.vault import Key, Shredded
from worker.lease import Work, leased
from worker.providers import provider_of
from worker.subjects import token_hash

if TYPE_CHECKING:
    from worker.boot import Service

log = structlog.get_logger(__name__)
GOOD_FOR = timedelta(minutes=10)
"""How long a token that is handed out stays good at least: longer than any slice of work."""
ASKED_AGAIN_AFTER = timedelta(seconds=1)
PATIENCE = timedelta(seconds=60)
STORE_PATIENCE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Held:
    """A mailbox's grant as it was read."""

    row: AnyRow
    key: Key
    grant: Grant
    address: Address

    @property
    def is_good(self) -> bool:
        """Whether the token outlasts whatever is begun with it now."""
        grant = self.grant
        if not grant.is_renewable:
            return True
        if not grant.access_token or grant.expires_at is None or grant.renewed_at is None:
            return False
        # Of tokens that never live long, half of their life has to do.
        margin = min(GOOD_FOR, (grant.expires_at - grant.renewed_at) / 2)
        return grant.expires_at - datetime.now(UTC) > margin


def fresh_token(service: Service, mailbox: AnyRow) -> str:
    """Return an access token of a mailbox that is good for ten minutes more.

    Raises:
        GrantEnded: Only the person can repair it; the mailbox says so already.
        Shredded: The mailbox is being erased.
        connectors.errors.ConnectorError: The provider can't be asked now; the grant stays.
    """
    return fresh_grant(service, mailbox).access_token


def fresh_grant(service: Service, mailbox: AnyRow) -> Grant:
    """Return a mailbox's grant; if it has an access token, one good for ten minutes more.

    Raises:
        GrantEnded: Only the person can repair it; the mailbox says so already.
        Shredded: The mailbox is being erased.
        connectors.errors.ConnectorError: The provider can't be asked now; the grant stays.
    """
    until = monotonic() + PATIENCE.total_seconds()
    while True:
        held = read(service, mailbox.workspace_id, mailbox.id)
        if held.is_good:
            return held.grant
        renewed = renew(service, held)
        if renewed is not None:
            return renewed
        if monotonic() > until:
            raise Unreachable("another worker asks for a token, for too long")
        sleep(uniform(0.02, 0.2))  # noqa: S311  (jitter)


def renew_refused(service: Service, mailbox: AnyRow, claims: str = "") -> bool:
    """Renew a token that the provider's servers refused; False if it can't be renewed.

    `claims` is what they want of the next one, if they say so.

    Raises:
        GrantEnded, Shredded, connectors.errors.ConnectorError: As for `fresh_grant`.
    """
    held = read(service, mailbox.workspace_id, mailbox.id)
    if held.grant.is_renewable:
        renew(service, held, refused=True, claims=claims)
    return held.grant.is_renewable


def read(service: Service, workspace_id: int, mailbox_id: int) -> Held:
    """Return a mailbox's grant, opened.

    Raises:
        Shredded: The mailbox's key or grant is gone.
        GrantEnded: It waits for its person.
    """
    held = opened(service, workspace_id, mailbox_id)
    if held.row.state == State.REAUTHORIZE and held.grant.is_renewable:
        raise GrantEnded("the grant has ended")
    return held


def opened(service: Service, workspace_id: int, mailbox_id: int) -> Held:
    """Return a mailbox's grant, opened, whatever its state.

    Raises:
        Shredded: The mailbox's key or grant is gone.
    """
    key = service.vault.mailbox_key(workspace_id, mailbox_id)
    with service.store.workspace(workspace_id) as connection:
        row = grants.read(connection, mailbox_id)
    if row is None:
        raise Shredded(f"the grant of mailbox {mailbox_id}")
    grant = open_grant(key, workspace_id, mailbox_id, row.generation, row.sealed)
    card = open_mailbox(key, workspace_id, mailbox_id, row.sealed_card)
    return Held(row, key, grant, card.address)


def renew(service: Service, held: Held, *, refused: bool = False, claims: str = "") -> Grant | None:
    """Renew a grant, if nobody else does; None if it is to be read again."""
    workspace, mailbox = held.row.workspace_id, held.row.mailbox_id
    with leased(service.store, workspace, mailbox, Work.REFRESH, service.settings.lease) as lease:
        if lease is None:
            return None
        # Whoever had the lease before may have renewed it since it was read.
        now = read(service, workspace, mailbox)
        if now.row.version != held.row.version or (now.is_good and not refused):
            return now.grant if now.is_good else None
        return refresh(service, now, claims)


def refresh(service: Service, held: Held, claims: str = "") -> Grant | None:
    """Ask the provider for a token and keep it; None if the grant was replaced meanwhile."""
    try:
        tokens = ask(service, held, claims)
    except GrantEnded:
        sleep(ASKED_AGAIN_AFTER.total_seconds())
        again = read(service, held.row.workspace_id, held.row.mailbox_id)
        if again.row.version != held.row.version:
            return None
        try:
            tokens = ask(service, again, claims)
        except GrantEnded as ended:
            if end_for(service, again, ended):
                raise
            return None
    return keep(service, held, tokens)


def ask(service: Service, held: Held, claims: str = "") -> Tokens:
    """Return what the provider gives for a grant now."""
    provider = provider_of(service, held.grant.provider)
    if held.grant.kind != "delegation":
        return provider.refresh(held.grant.secret, claims)
    with service.store.workspace(held.row.workspace_id) as connection:
        row = grants.delegation(connection, held.row.delegation_id or 0)
    if row is None:
        raise GrantEnded("the delegation was taken back")
    sealing = service.vault.workspace(held.row.workspace_id).sealing
    key = open_delegation(sealing, held.row.workspace_id, row.id, row.sealed)
    return provider.impersonate(key, held.address)


def keep(service: Service, held: Held, tokens: Tokens) -> Grant | None:
    """Swap new tokens in; None if the grant isn't the one that they were asked for any more.

    The provider may have given a new refresh token and forgotten the old one, so a database
    that is away is waited for.
    """
    row = held.row
    grant = with_tokens(held.grant, tokens)
    sealed = seal_grant(held.key, row.workspace_id, row.mailbox_id, row.generation, grant)
    index = service.vault.workspace(row.workspace_id).index
    named = token_hash(index, grant)
    swapped = False
    for attempt in Retrying(
        retry=retry_if_exception(is_database_lost),
        stop=stop_after_delay(STORE_PATIENCE),
        wait=wait_random_exponential(multiplier=0.1, max=1),
        reraise=True,
    ):
        with attempt, service.store.workspace(row.workspace_id) as connection:
            swapped = grants.swap(connection, row.mailbox_id, row.version, sealed, token_hash=named)
    log.info("grant_renewed", mailbox_id=row.mailbox_id, kept=swapped)
    return grant if swapped else None


def with_tokens(grant: Grant, tokens: Tokens) -> Grant:
    """Return a grant with newer tokens; what the answer leaves out stays."""
    return replace(
        grant,
        secret=tokens.refresh_token or grant.secret,
        access_token=tokens.access_token,
        expires_at=tokens.expires_at,
        scopes=tokens.scopes or grant.scopes,
        renewed_at=datetime.now(UTC),
        claims="",
    )


def end_for(service: Service, held: Held, ended: GrantEnded) -> bool:
    """End a grant for what the provider says; what it wants of the person is kept for then."""
    row, claims = held.row, ended.claims if isinstance(ended, InteractionWanted) else ""
    version = row.version
    if claims:
        version = keep_claims(service, held, claims)
    return end(service, row.workspace_id, row.mailbox_id, version, ended.code)


def keep_claims(service: Service, held: Held, claims: str) -> int:
    """Keep what the provider wants of the person; return the version to compare with then."""
    row, grant = held.row, replace(held.grant, claims=claims)
    sealed = seal_grant(held.key, row.workspace_id, row.mailbox_id, row.generation, grant)
    index = service.vault.workspace(row.workspace_id).index
    with service.store.workspace(row.workspace_id) as connection:
        swapped = grants.swap(
            connection, row.mailbox_id, row.version, sealed, token_hash=token_hash(index, grant)
        )
    version: int = row.version
    return version + 1 if swapped else version


def remember_claims(
    service: Service, mailbox: AnyRow, version: int | None, claims: str
) -> int | None:
    """Keep what a server wants of the person for a grant of this version; return the one now.

    Raises:
        GrantEnded, Shredded: As for `read`.
    """
    held = read(service, mailbox.workspace_id, mailbox.id)
    if held.row.version != version or not held.grant.is_renewable:
        return version
    return keep_claims(service, held, claims)


def end(
    service: Service, workspace_id: int, mailbox_id: int, version: int, code: str = GrantEnded.code
) -> bool:
    """Say that only the person can repair a mailbox, and tell the CRM at once (F17).

    The grant's row stays. False if the person has given a new grant meanwhile. Of a mailbox
    that is being erased nothing is said any more.
    """
    with service.store.workspace(workspace_id) as connection:
        now = grants.hold_version(connection, mailbox_id)
        if now is None or now.state == State.DISCONNECTING:
            return True
        if now.version != version:
            return False
        # What runs with the old token stops: what it writes from now on is undone.
        for work in (Work.SYNC, Work.IMPORT):
            leases.break_off(connection, mailbox_id, work)
        if states.note_problem(connection, mailbox_id, State.REAUTHORIZE, code, None):
            changes.record(connection, workspace_id, "mailbox.reauthorize", str(mailbox_id))
    log.warning("grant_ended", mailbox_id=mailbox_id)
    return True
