"""A person's way to a provider and back: begun in one browser, answered once, within minutes.

What is wrong with an answer is found out before it is used up: an answer that another browser
or another provider brings costs the person nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from connectors.errors import ConnectorError
from connectors.oauth import Answer, Ask, Granted, Narrowed
from models.base import AnyRow
from models.queries import connecting
from privacy.contents import AttemptCard, Grant, open_attempt, seal_attempt
from privacy.vault import Shredded
from worker.connect_links import Link, find_link, is_expected
from worker.connecting import IMAP, account_of
from worker.grants import opened
from worker.joining import Joined, Joining
from worker.outcomes import Outcome, outcome_of
from worker.providers import provider_of, redirect_uri
from worker.refused import AnotherAccount, AnotherWay, Busy

if TYPE_CHECKING:
    from worker.boot import Service

log = structlog.get_logger(__name__)
LASTS = timedelta(minutes=10)
LONGEST = 4000
"""Characters of anything in an answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a browser brings back from a provider; None where it brought nothing."""

    state: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    iss: str | None = None
    error: str | None = None
    description: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """How an answer ended; the link is there where the person may try again by it."""

    outcome: Outcome
    link: Link | None = None
    mailbox_id: int | None = None
    missing: tuple[str, ...] = ()
    provider: str = ""


class LinkUsed(Exception):
    """A mailbox has been connected by the link already."""


def begin(service: Service, link: Link, provider: str, since: datetime | None) -> tuple[str, str]:
    """Return where to send the browser, and the secret that it alone keeps until the answer.

    Raises:
        connectors.errors.ConnectorError: The provider isn't configured, or can't be asked now.
    """
    state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    claims = claims_of(service, link, provider)
    ask = Ask(state, redirect_uri(service.settings), link.wish.address, claims)
    begun = provider_of(service, provider).begin(ask)
    card = AttemptCard(link.id, link.secret, since, begun.secrets)
    sealing = service.vault.workspace(link.workspace_id).sealing
    with service.store.workspace(link.workspace_id) as connection:
        id_ = connecting.next_attempt_id(connection)
        connecting.add_attempt(
            connection,
            LASTS,
            id=id_,
            workspace_id=link.workspace_id,
            mailbox_id=link.mailbox_id,
            provider=provider,
            hash=service.masters.hashes("state", state)[0],
            browser=service.masters.hashes("browser", browser)[0],
            sealed=seal_attempt(sealing, link.workspace_id, id_, card),
        )
    log.info("connect_begun", workspace_id=link.workspace_id, attempt=id_, provider=provider)
    return begun.url, browser


def claims_of(service: Service, link: Link, provider: str) -> str:
    """Return what a provider wants of the person who connects a mailbox anew, if anything."""
    if link.mailbox_id is None:
        return ""
    try:
        grant = opened(service, link.workspace_id, link.mailbox_id).grant
    except Shredded:
        return ""
    return grant.claims if grant.provider == provider else ""


def finish(service: Service, reply: Reply, browser: str) -> Ended:
    """Follow a provider's answer to its end."""
    attempt = find_attempt(service, reply)
    if attempt is None:
        return told(Outcome.FORGED, None)
    refusal = why_refused(service, attempt, reply, browser)
    if refusal is not None:
        return told(refusal, attempt)
    try:
        sealing = service.vault.workspace(attempt.workspace_id).sealing
    except Shredded:
        return told(Outcome.STALE, attempt)
    card = open_attempt(sealing, attempt.workspace_id, attempt.id, attempt.sealed)
    with service.store.system() as connection:
        if not connecting.answer_attempt(connection, attempt.id):
            return told(Outcome.REPEATED, attempt)
    link = find_link(service, card.link_secret)
    if link is None:
        return told(Outcome.REPEATED, attempt)
    if reply.error is not None:
        refused = provider_of(service, attempt.provider).refused(reply.error, reply.description)
        return told(outcome_of(refused), attempt, link)
    return redeem(service, attempt, card, link, reply.code or "")


def find_attempt(service: Service, reply: Reply) -> AnyRow | None:
    """Return the attempt that an answer belongs to, or None."""
    state = reply.state
    if not state or len(state) > LONGEST or not state.isascii():
        return None
    with service.store.system() as connection:
        return connecting.find_attempt(connection, service.masters.hashes("state", state))


def why_refused(service: Service, attempt: AnyRow, reply: Reply, browser: str) -> Outcome | None:
    """Return why an answer isn't taken, while it is still unused; None if it is."""
    if attempt.answered_at is not None:
        return Outcome.REPEATED
    if attempt.is_stale:
        return Outcome.STALE
    if not browser or len(browser) > LONGEST:
        return Outcome.OTHER_BROWSER
    if not any(
        secrets.compare_digest(hash_, attempt.browser)
        for hash_ in service.masters.hashes("browser", browser)
    ):
        return Outcome.OTHER_BROWSER
    try:
        is_its_own = provider_of(service, attempt.provider).accepts_issuer(reply.iss)
    except ConnectorError as error:
        return outcome_of(error)
    if not is_its_own:
        return Outcome.FORGED
    if (reply.code is None) == (reply.error is None):
        return Outcome.FORGED
    values = (reply.code or "", reply.error or "", reply.description)
    if any(len(value) > LONGEST for value in values):
        return Outcome.FORGED
    return None


def redeem(service: Service, attempt: AnyRow, card: AttemptCard, link: Link, code: str) -> Ended:
    """Redeem the code, and keep the mailbox if it is the one that was meant."""
    try:
        granted = provider_of(service, attempt.provider).finish(
            card.secrets, Answer(code, redirect_uri(service.settings))
        )
        if not is_expected(link, granted.identity.address):
            return told(Outcome.OTHER_ACCOUNT, attempt, link)
        joined = join(service, link, attempt.provider, granted, card.since)
    except (ConnectorError, AnotherAccount, AnotherWay, Busy) as error:
        missing = error.missing if isinstance(error, Narrowed) else ()
        return told(outcome_of(error), attempt, link, missing)
    except LinkUsed:
        return told(Outcome.REPEATED, attempt)
    log.info("connect_answered", attempt=attempt.id, outcome="connected", mailbox_id=joined.id)
    return Ended(Outcome.CONNECTED, link, joined.id)


def join(
    service: Service, link: Link, provider: str, granted: Granted, since: datetime | None
) -> Joined:
    """Keep the mailbox that was granted, for the user whom the link was made for.

    Raises:
        LinkUsed: A mailbox has been connected by the link meanwhile.
        Busy, ConnectorError: The mail server wasn't asked, or refuses.
        AnotherAccount, AnotherWay: It isn't the mailbox that is there.
    """
    identity, tokens = granted.identity, granted.tokens
    now = datetime.now(UTC)
    kind, card = account_of(service, provider, link.wish.user, identity.address)
    grant = Grant(
        kind="oauth",
        secret=tokens.refresh_token,
        provider=provider,
        access_token=tokens.access_token,
        expires_at=tokens.expires_at,
        scopes=tokens.scopes,
        issuer=identity.issuer,
        subject=identity.subject,
        granted_at=now,
        renewed_at=now,
    )
    joining = Joining(service, link.workspace_id, link.wish.by)
    if kind == IMAP:
        # Only the login shows that the account opens the mailbox of this address.
        joining.prove(kind, card, grant)
    return joining.keep(
        kind,
        card,
        grant,
        since,
        keeps_since=link.mailbox_id is not None,
        expected=link.mailbox_id,
        holding=lambda connection: take(connection, link),
    )


def take(connection: Connection, link: Link) -> None:
    """Use a link up.

    Raises:
        LinkUsed: It has been, or its time is over.
    """
    if not connecting.take_link(connection, link.id):
        raise LinkUsed


def told(
    outcome: Outcome,
    attempt: AnyRow | None,
    link: Link | None = None,
    missing: tuple[str, ...] = (),
) -> Ended:
    """Return an end that changed nothing, and say so in the log."""
    log.warning("connect_refused", attempt=None if attempt is None else attempt.id, outcome=outcome)
    provider = "" if attempt is None else attempt.provider
    return Ended(outcome, link, missing=missing, provider=provider)
