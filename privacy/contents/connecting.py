"""What is inside the sealed columns of what leads to a mailbox: links, attempts, delegations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mail.address import Address
from privacy.contents.packing import encoded, moment, pack, unpack, when
from privacy.vault import Key, Place, seal, unseal


@dataclass(frozen=True, slots=True)
class Wish:
    """For whom a mailbox is to be connected, and what was wished.

    `return_url` empty means the console. `provider` None lets the person choose; `address` is
    the one that it must be, if any; `by` is who made the link. `since` is proposed to the
    person; a mailbox that is there keeps its own.
    """

    user: str
    return_url: str
    by: str
    provider: str | None = None
    address: Address | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptCard:
    """What is kept of a way to a provider until its answer: the link, and the flow's secrets."""

    link_id: int
    link_secret: str = field(repr=False)
    since: datetime | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def seal_wish(key: Key, workspace_id: int, link_id: int, wish: Wish) -> bytes:
    """Return a wish, sealed under the workspace's sealing key."""
    written = {
        "user": wish.user,
        "return_url": wish.return_url,
        "by": wish.by,
        "provider": wish.provider,
        "address": wish.address,
        "since": moment(wish.since),
    }
    return seal(key, Place(workspace_id, "connect_link", link_id, "sealed"), pack(written))


def open_wish(key: Key, workspace_id: int, link_id: int, sealed: bytes) -> Wish:
    """Return a wish."""
    read = unpack(key, Place(workspace_id, "connect_link", link_id, "sealed"), sealed)
    return Wish(
        user=read["user"],
        return_url=read["return_url"],
        by=read["by"],
        provider=read["provider"],
        address=None if read["address"] is None else Address(read["address"]),
        since=when(read["since"]),
    )


def seal_attempt(key: Key, workspace_id: int, attempt_id: int, card: AttemptCard) -> bytes:
    """Return an attempt's secrets, sealed under the workspace's sealing key."""
    written = {
        "link_id": card.link_id,
        "link_secret": card.link_secret,
        "since": moment(card.since),
        "secrets": dict(card.secrets),
    }
    return seal(key, Place(workspace_id, "connect_attempt", attempt_id, "sealed"), pack(written))


def open_attempt(key: Key, workspace_id: int, attempt_id: int, sealed: bytes) -> AttemptCard:
    """Return an attempt's secrets."""
    read = unpack(key, Place(workspace_id, "connect_attempt", attempt_id, "sealed"), sealed)
    return AttemptCard(
        read["link_id"], read["link_secret"], when(read["since"]), dict(read["secrets"])
    )


def seal_return_urls(key: Key, workspace_id: int, urls: Sequence[str]) -> bytes:
    """Return the addresses that browsers may return to, sealed under the workspace's key."""
    place = Place(workspace_id, "integration", workspace_id, "sealed")
    return seal(key, place, pack({"return_urls": list(urls)}))


def open_return_urls(key: Key, workspace_id: int, sealed: bytes) -> tuple[str, ...]:
    """Return the addresses that browsers may return to."""
    place = Place(workspace_id, "integration", workspace_id, "sealed")
    return tuple(unpack(key, place, sealed)["return_urls"])


def seal_delegation(key: Key, workspace_id: int, delegation_id: int, secret: str) -> bytes:
    """Return a service account's key, sealed under the workspace's sealing key."""
    place = Place(workspace_id, "delegation", delegation_id, "sealed")
    return seal(key, place, encoded(secret))


def open_delegation(key: Key, workspace_id: int, delegation_id: int, sealed: bytes) -> str:
    """Return a service account's key."""
    return unseal(key, Place(workspace_id, "delegation", delegation_id, "sealed"), sealed).decode()
