"""Links to the page where a person connects a mailbox: for a user of the CRM, good for once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mail.address import Address
from models.base import AnyRow
from models.queries import connecting, mailboxes
from privacy.contents import Wish, open_wish, open_workspace_name, seal_wish
from privacy.vault import Shredded
from worker.boot import Service
from worker.connecting import IMAP, card_of, way_of
from worker.integration import is_registered
from worker.refused import AnotherWay, NotThere, Unacceptable

LASTS = timedelta(hours=1)
LONGEST = 100
CONSOLE = ""
"""The return address of links that are made at the console."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that is good; `mailbox_id` is the one to be connected anew, if any."""

    id: int
    workspace_id: int
    mailbox_id: int | None
    wish: Wish = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewLink:
    """Where to send the browser, and until when."""

    url: str = field(repr=False)
    expires_at: datetime


def make_link(service: Service, workspace_id: int, wish: Wish) -> NewLink:
    """Make a link; for a user and address that are connected, it connects that mailbox anew.

    Raises:
        Unacceptable: The return address isn't registered.
        AnotherWay: The mailbox that is there was connected by another provider.
    """
    if wish.return_url != CONSOLE and not is_registered(service, workspace_id, wish.return_url):
        raise Unacceptable("return_url", "is not one that the workspace registered")
    known = known_mailbox(service, workspace_id, wish)
    provider = wish.provider
    if known is not None:
        way = way_of(service, known)
        if provider not in (None, way):
            raise AnotherWay
        provider = way
    wish = Wish(wish.user, wish.return_url, wish.by, provider, wish.address, wish.since)
    return keep_link(service, workspace_id, wish, None if known is None else known.id)


def make_reconnect_link(service: Service, workspace_id: int, mailbox_id: int, by: str) -> NewLink:
    """Make a link that connects a mailbox anew and returns to the console.

    Raises:
        NotThere: The workspace has none of this id, or it is being erased.
    """
    with service.store.workspace(workspace_id) as connection:
        row = mailboxes.find(connection, mailbox_id)
    if row is None:
        raise NotThere
    try:
        card, way = card_of(service, row), way_of(service, row)
    except Shredded:
        raise NotThere from None
    wish = Wish(card.user, CONSOLE, by, way, card.address)
    return keep_link(service, workspace_id, wish, mailbox_id)


def known_mailbox(service: Service, workspace_id: int, wish: Wish) -> AnyRow | None:
    """Return the mailbox of the wished user and address, if it is connected."""
    if wish.address is None:
        return None
    index = service.vault.workspace(workspace_id).index
    user, address = index.hash("user", wish.user), index.address(wish.address)
    with service.store.workspace(workspace_id) as connection:
        known = mailboxes.connected_as(connection, user, address)
        return None if known is None else mailboxes.find(connection, known)


def keep_link(service: Service, workspace_id: int, wish: Wish, mailbox_id: int | None) -> NewLink:
    """Keep a link, of which only a keyed hash is known here."""
    secret = secrets.token_urlsafe(32)
    sealing = service.vault.workspace(workspace_id).sealing
    with service.store.workspace(workspace_id) as connection:
        id_ = connecting.next_link_id(connection)
        row = connecting.add_link(
            connection,
            LASTS,
            id=id_,
            workspace_id=workspace_id,
            mailbox_id=mailbox_id,
            hash=service.masters.hashes("connect link", secret)[0],
            sealed=seal_wish(sealing, workspace_id, id_, wish),
        )
    return NewLink(f"{service.settings.public_url.rstrip('/')}/connect/{secret}", row.expires_at)


def find_link(service: Service, secret: str) -> Link | None:
    """Return the link of a secret, or None if it isn't good (any more)."""
    if not 0 < len(secret) <= LONGEST or not secret.isascii():
        return None
    with service.store.system() as connection:
        hashes = service.masters.hashes("connect link", secret)
        row = connecting.find_link(connection, hashes)
    if row is None:
        return None
    try:
        sealing = service.vault.workspace(row.workspace_id).sealing
    except Shredded:
        return None
    wish = open_wish(sealing, row.workspace_id, row.id, row.sealed)
    return Link(row.id, row.workspace_id, row.mailbox_id, wish, secret)


def providers_for(service: Service, link: Link) -> tuple[str, ...]:
    """Return the providers that a person may choose from, IMAP last."""
    offered = (*service.providers, IMAP)
    return tuple(one for one in offered if link.wish.provider in (None, one))


def workspace_name(service: Service, workspace_id: int) -> str:
    """Return what a workspace is called; empty if it has no name."""
    with service.store.workspace(workspace_id) as connection:
        sealed = connecting.workspace_name(connection, workspace_id)
    if sealed is None:
        return ""
    return open_workspace_name(service.vault.workspace(workspace_id).sealing, workspace_id, sealed)


def is_expected(link: Link, address: Address) -> bool:
    """Tell whether a link may connect a mailbox of this address."""
    return link.wish.address in (None, address)
