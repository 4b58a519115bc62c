"""From a mailbox's sealed card and grant to a connector that reaches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import redis

from connectors.base import Connector
from connectors.budget import Budget, Turns
from connectors.errors import ConnectorError
from connectors.gmail.account import GmailAccount, GmailLimits
from connectors.graph.account import GraphAccount, GraphLimits
from connectors.graph.connector import GraphConnector
from connectors.imap import (
    AccessToken,
    FetchLimits,
    ImapAccount,
    ImapConnector,
    Password,
    Security,
)
from connectors.imap.account import DayBudget
from connectors.imap.idle import IdleWatch
from connectors.oauth.microsoft import OUTLOOK_IMAP
from mail.address import Address
from models.base import AnyRow
from privacy.contents import Grant, MailboxCard, open_mailbox
from worker.budget import MINUTE, MailboxBudget, MailboxDay
from worker.grants import fresh_grant, opened
from worker.settings import Settings
from worker.turns import MailboxTurns

if TYPE_CHECKING:
    from worker.boot import Service

CONNECT_TIMEOUT = timedelta(seconds=15)
IMAP, GMAIL, GRAPH = "imap", "gmail", "graph"
IMAP_PORT = 993
TEN_MINUTES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Budgets:
    """What a mailbox may cost: units and turns at an API, bytes of a mail server.

    None: no bound.
    """

    units: Budget | None = None
    turns: Turns | None = None
    day: DayBudget | None = None


UNLIMITED = Budgets()


def open_connector(
    service: Service, mailbox: AnyRow, others_wait: Callable[[], bool] = lambda: False
) -> Connector:
    """Return a connector for a mailbox's row; it connects when it is first used.

    An access token is good for as long as any job lasts. `others_wait` tells a connector that
    would wait for its budget to make room.

    Raises:
        Shredded: The mailbox's key or grant is gone: it is being disconnected.
        ConnectorError: A new token was needed, and isn't to be had.
    """
    grant = fresh_grant(service, mailbox)
    settings, card = service.settings, card_of(service, mailbox)

    def client() -> redis.Redis:
        return service.redis

    quota, window = settings.gmail_units_per_minute, MINUTE
    if mailbox.provider == GRAPH:
        quota, window = settings.graph_requests_per_ten_minutes, TEN_MINUTES
    budgets = Budgets(
        MailboxBudget(client, mailbox.id, quota, others_wait, window),
        MailboxTurns(client, mailbox.id, settings.graph_calls_at_once, others_wait),
        MailboxDay(client, mailbox.id, settings.imap_day_bytes),
    )
    return make_connector(service, mailbox.provider, card, grant, budgets)


def account_of(
    service: Service, provider: str, user: str, address: Address
) -> tuple[str, MailboxCard]:
    """Return what is read how, once a person has agreed: the connector's name, and a card.

    Outlook by IMAP is a mail server like others, but for where its tokens come from.
    """
    if provider != OUTLOOK_IMAP.name:
        return provider, MailboxCard(user, address, "", 0, "", address)
    host, _, port = service.settings.microsoft_imap_host.partition(":")
    return IMAP, MailboxCard(user, address, host, int(port or IMAP_PORT), Security.TLS, address)


def way_of(service: Service, mailbox: AnyRow) -> str:
    """Return by which provider a mailbox is connected again: its own, or who gave the token.

    Raises:
        Shredded: The mailbox's key or grant is gone.
    """
    name: str = mailbox.provider
    if name != IMAP:
        return name
    return opened(service, mailbox.workspace_id, mailbox.id).grant.provider or name


def card_of(service: Service, mailbox: AnyRow) -> MailboxCard:
    """Return a mailbox's card, opened.

    Raises:
        Shredded: The mailbox's key is gone.
    """
    key = service.vault.mailbox_key(mailbox.workspace_id, mailbox.id)
    return open_mailbox(key, mailbox.workspace_id, mailbox.id, mailbox.sealed)


def open_watch(service: Service, mailbox: AnyRow, folder: str) -> IdleWatch:
    """Return a watch of one folder of an IMAP mailbox; it connects when it is opened.

    Raises:
        Shredded: The mailbox's key or grant is gone.
        ConnectorError: A new token was needed, and isn't to be had.
    """
    reached = account(card_of(service, mailbox), fresh_grant(service, mailbox))
    return IdleWatch(reached, service.egress, folder, fetch_limits(service.settings))


def make_connector(
    service: Service,
    provider: str,
    card: MailboxCard,
    grant: Grant,
    budgets: Budgets = UNLIMITED,
) -> Connector:
    """Return a connector for an account that was just given to us, or that is kept.

    Raises:
        ConnectorError: There is none for the provider.
    """
    if provider == IMAP:
        limits = fetch_limits(service.settings)
        return ImapConnector(account(card, grant), service.egress, limits, budgets.day)
    if provider == GMAIL:
        return gmail_connector(service, token_of(grant), budgets.units)
    if provider == GRAPH:
        # An application's own token is nobody's: the mailbox has to be named.
        address = card.address if grant.kind == "delegation" else None
        return graph_connector(service, token_of(grant), address, budgets)
    raise ConnectorError(f"no connector for {provider}")


def gmail_connector(service: Service, token: str, budget: Budget | None) -> Connector:
    """Return a connector for a Gmail mailbox."""
    # Google's client takes 26 MB and half a second, which those without Gmail keep.
    from connectors.gmail.connector import GmailConnector  # noqa: PLC0415

    settings = service.settings
    account = GmailAccount(
        token, settings.gmail_api_url, settings.gmail_pubsub_topic, settings.gmail_costs
    )
    limits = GmailLimits(
        message_bytes=settings.max_message_bytes,
        timeout=timedelta(seconds=settings.mail_timeout_seconds),
    )
    return GmailConnector(account, service.api_egress, limits, budget)


def graph_connector(
    service: Service, token: str, address: Address | None, budgets: Budgets
) -> Connector:
    """Return a connector for a mailbox at Microsoft: the token's own, or the one of an address."""
    settings = service.settings
    limits = GraphLimits(
        fetched_at_once=settings.graph_calls_at_once,
        message_bytes=settings.max_message_bytes,
        timeout=timedelta(seconds=settings.mail_timeout_seconds),
    )
    account = GraphAccount(token, settings.graph_api_url, address)
    return GraphConnector(account, service.graph_wire, limits, budgets.units, budgets.turns)


def account(card: MailboxCard, grant: Grant) -> ImapAccount:
    """Return the account as the IMAP connector takes it; with a token by XOAUTH2 and the like."""
    auth = Password(grant.secret) if grant.kind == "password" else AccessToken(token_of(grant))
    return ImapAccount(
        host=card.host,
        port=card.port,
        security=Security(card.security),
        username=card.username,
        auth=auth,
    )


def token_of(grant: Grant) -> str:
    """Return a grant's access token."""
    return grant.access_token if grant.is_renewable else grant.secret


def fetch_limits(settings: Settings) -> FetchLimits:
    """Return how much is asked for at a time, and how long is waited."""
    timeout = timedelta(seconds=settings.mail_timeout_seconds)
    return FetchLimits(
        in_flight_bytes=settings.batch_bytes,
        message_bytes=settings.max_message_bytes,
        connect_timeout=min(timeout, CONNECT_TIMEOUT),
        read_timeout=timeout,
    )
