"""From a mailbox's sealed card and grant to a connector that reaches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.base import Connector
from connectors.errors import ConnectorError
from connectors.gmail.account import Budget, GmailAccount, GmailLimits
from connectors.imap import (
    AccessToken,
    FetchLimits,
    ImapAccount,
    ImapConnector,
    Password,
    Security,
)
from connectors.imap.idle import IdleWatch
from models.base import AnyRow
from models.queries import mailboxes
from privacy.contents import Grant, MailboxCard, open_grant, open_mailbox
from privacy.vault import Shredded
from worker.budget import MailboxBudget
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.boot import Service

CONNECT_TIMEOUT = timedelta(seconds=15)


def open_connector(
    service: Service, mailbox: AnyRow, others_wait: Callable[[], bool] = lambda: False
) -> Connector:
    """Return a connector for a mailbox's row; it connects when it is first used.

    `others_wait` tells a connector that waits for its budget to make room.

    Raises:
        Shredded: The mailbox's key or grant is gone: it is being disconnected.
    """
    card, grant = credentials(service, mailbox)
    if mailbox.provider == "gmail":
        units = service.settings.gmail_units_per_minute
        budget = MailboxBudget(service.redis, mailbox.id, units, others_wait)
        return gmail_connector(service, grant, budget)
    return make_connector(service, card, grant)


def credentials(service: Service, mailbox: AnyRow) -> tuple[MailboxCard, Grant]:
    """Return a mailbox's card and grant, opened.

    Raises:
        Shredded: The mailbox's key or grant is gone.
    """
    workspace, id_ = mailbox.workspace_id, mailbox.id
    key = service.vault.mailbox_key(workspace, id_)
    with service.store.workspace(workspace) as connection:
        row = mailboxes.grant(connection, id_)
    if row is None:
        raise Shredded(f"the grant of mailbox {id_}")
    grant = open_grant(key, workspace, id_, row.generation, row.sealed)
    return open_mailbox(key, workspace, id_, mailbox.sealed), grant


def open_watch(service: Service, mailbox: AnyRow, folder: str) -> IdleWatch:
    """Return a watch of one folder of an IMAP mailbox; it connects when it is opened.

    Raises:
        Shredded: The mailbox's key or grant is gone.
    """
    card, grant = credentials(service, mailbox)
    return IdleWatch(account(card, grant), service.egress, folder, fetch_limits(service.settings))


def make_connector(service: Service, card: MailboxCard, grant: Grant) -> Connector:
    """Return a connector for an account that was just typed in, or that is kept."""
    return ImapConnector(account(card, grant), service.egress, fetch_limits(service.settings))


def gmail_connector(service: Service, grant: Grant, budget: Budget) -> Connector:
    """Return a connector for a Gmail mailbox."""
    # Google's client takes 26 MB and half a second, which those without Gmail keep.
    from connectors.gmail.connector import GmailConnector  # noqa: PLC0415

    settings = service.settings
    return GmailConnector(
        GmailAccount(
            grant.secret, settings.gmail_api_url, settings.gmail_pubsub_topic, settings.gmail_costs
        ),
        service.api_egress,
        GmailLimits(
            message_bytes=settings.max_message_bytes,
            timeout=timedelta(seconds=settings.mail_timeout_seconds),
        ),
        budget,
    )


def account(card: MailboxCard, grant: Grant) -> ImapAccount:
    """Return the account as the IMAP connector takes it."""
    kind = AccessToken if grant.kind == "access_token" else Password
    return ImapAccount(
        host=card.host,
        port=card.port,
        security=Security(card.security),
        username=card.username,
        auth=kind(grant.secret),
    )


def fetch_limits(settings: Settings) -> FetchLimits:
    """Return how much is asked for at a time, and how long is waited."""
    timeout = timedelta(seconds=settings.mail_timeout_seconds)
    return FetchLimits(
        in_flight_bytes=settings.batch_bytes,
        message_bytes=settings.max_message_bytes,
        connect_timeout=min(timeout, CONNECT_TIMEOUT),
        read_timeout=timeout,
    )


def revoke(service: Service, workspace_id: int, mailbox_id: int) -> Mapping[str, Sequence[str]]:
    """End a mailbox's grant at its provider; say what was ended, and what only a person can end.

    Whatever the provider answers, the purge goes on: what failed is in the answer.
    """
    with service.store.workspace(workspace_id) as connection:
        mailbox = mailboxes.find(connection, mailbox_id)
    if mailbox is None:
        return {"failed": ["mailbox already removed"]}
    try:
        connector = open_connector(service, mailbox)
        try:
            revocation = connector.revoke()
        finally:
            connector.close()
    except (ConnectorError, Shredded) as error:
        return {"failed": [type(error).__name__]}
    return {
        "ended": revocation.ended,
        "failed": revocation.failed,
        "left_to_person": revocation.left_to_person,
    }
