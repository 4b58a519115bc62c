"""What is inside the sealed columns of leads, mailboxes, folders, rules and workspaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mail.address import Address
from privacy.contents.packing import encoded, moment, pack, unpack, when
from privacy.vault import Key, Place, seal, unseal


@dataclass(frozen=True, slots=True)
class LeadCard:
    """A lead's id in the CRM and its name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class MailboxCard:
    """Whose mailbox it is and how it is reached; `folders` None means the usual ones."""

    user: str
    address: Address
    host: str
    port: int
    security: str
    username: str
    folders: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FolderCard:
    """What a folder is called: by the provider, and by people."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Grant:
    """The credentials of a mailbox; `kind` is password, access_token, oauth or delegation.

    Of `oauth`, `secret` is the refresh token; of `delegation` it is empty, for the key is kept
    once for all. Both have an access token until `expires_at`. `issuer` and `subject` are the
    account as its provider names it; `granted_at` is when the person agreed, `renewed_at` when
    the access token was given. `claims` is what the provider wants of the person, if it said so.
    """

    kind: str
    secret: str = field(repr=False)
    provider: str = ""
    access_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    issuer: str = ""
    subject: str = field(default="", repr=False)
    granted_at: datetime | None = None
    renewed_at: datetime | None = None
    claims: str = ""

    @property
    def is_renewable(self) -> bool:
        """Whether the provider gives new access tokens for it."""
        return bool(self.provider)


def seal_lead(key: Key, workspace_id: int, lead_id: int, card: LeadCard) -> bytes:
    """Return a lead's id and name, sealed under the lead's key."""
    written = {"id": card.id, "name": card.name}
    return seal(key, Place(workspace_id, "lead", lead_id, "sealed"), pack(written))


def open_lead(key: Key, workspace_id: int, lead_id: int, sealed: bytes) -> LeadCard:
    """Return a lead's id and name."""
    read = unpack(key, Place(workspace_id, "lead", lead_id, "sealed"), sealed)
    return LeadCard(read["id"], read["name"])


def seal_lead_address(key: Key, workspace_id: int, row: int, text: str) -> bytes:
    """Return a lead's canonical address or domain, sealed under the lead's key."""
    return seal(key, Place(workspace_id, "lead_address", row, "sealed"), encoded(text))


def open_lead_address(key: Key, workspace_id: int, row: int, sealed: bytes) -> str:
    """Return a lead's canonical address or domain."""
    return unseal(key, Place(workspace_id, "lead_address", row, "sealed"), sealed).decode()


def seal_mailbox(key: Key, workspace_id: int, mailbox_id: int, card: MailboxCard) -> bytes:
    """Return a mailbox's card, sealed under the mailbox's key; a fence doesn't rebind it."""
    written = {
        "user": card.user,
        "address": card.address,
        "host": card.host,
        "port": card.port,
        "security": card.security,
        "username": card.username,
        "folders": None if card.folders is None else list(card.folders),
    }
    return seal(key, Place(workspace_id, "mailbox", mailbox_id, "sealed"), pack(written))


def open_mailbox(key: Key, workspace_id: int, mailbox_id: int, sealed: bytes) -> MailboxCard:
    """Return a mailbox's card."""
    read = unpack(key, Place(workspace_id, "mailbox", mailbox_id, "sealed"), sealed)
    folders = read["folders"]
    return MailboxCard(
        user=read["user"],
        address=Address(read["address"]),
        host=read["host"],
        port=read["port"],
        security=read["security"],
        username=read["username"],
        folders=None if folders is None else tuple(folders),
    )


def seal_grant(
    key: Key, workspace_id: int, mailbox_id: int, generation: int, grant: Grant
) -> bytes:
    """Return credentials, sealed under the mailbox's key and bound to its generation."""
    place = Place(workspace_id, "mailbox_grant", mailbox_id, "sealed", generation)
    written: dict[str, Any] = {"kind": grant.kind, "secret": grant.secret}
    if grant.is_renewable:
        written |= {
            "provider": grant.provider,
            "access_token": grant.access_token,
            "expires_at": moment(grant.expires_at),
            "scopes": list(grant.scopes),
            "issuer": grant.issuer,
            "subject": grant.subject,
            "granted_at": moment(grant.granted_at),
            "renewed_at": moment(grant.renewed_at),
            "claims": grant.claims,
        }
    return seal(key, place, pack(written))


def open_grant(
    key: Key, workspace_id: int, mailbox_id: int, generation: int, sealed: bytes
) -> Grant:
    """Return credentials."""
    place = Place(workspace_id, "mailbox_grant", mailbox_id, "sealed", generation)
    read = unpack(key, place, sealed)
    if "provider" not in read:
        return Grant(read["kind"], read["secret"])
    return Grant(
        kind=read["kind"],
        secret=read["secret"],
        provider=read["provider"],
        access_token=read["access_token"],
        expires_at=when(read["expires_at"]),
        scopes=tuple(read["scopes"]),
        issuer=read["issuer"],
        subject=read["subject"],
        granted_at=when(read["granted_at"]),
        renewed_at=when(read["renewed_at"]),
        # What was sealed before there were any has none.
        claims=read.get("claims", ""),
    )


def seal_folder(
    key: Key, workspace_id: int, folder_id: int, generation: int, card: FolderCard
) -> bytes:
    """Return a folder's names, sealed under the mailbox's key."""
    place = Place(workspace_id, "folder", folder_id, "sealed", generation)
    return seal(key, place, pack({"key": card.key, "name": card.name}))


def open_folder(
    key: Key, workspace_id: int, folder_id: int, generation: int, sealed: bytes
) -> FolderCard:
    """Return a folder's names."""
    place = Place(workspace_id, "folder", folder_id, "sealed", generation)
    read = unpack(key, place, sealed)
    return FolderCard(read["key"], read["name"])


def seal_watch(key: Key, workspace_id: int, watch_id: int, name: str) -> bytes:
    """Return the provider's id of a watch, sealed under the mailbox's key."""
    return seal(key, Place(workspace_id, "mailbox_watch", watch_id, "sealed"), encoded(name))


def open_watch(key: Key, workspace_id: int, watch_id: int, sealed: bytes) -> str:
    """Return the provider's id of a watch."""
    return unseal(key, Place(workspace_id, "mailbox_watch", watch_id, "sealed"), sealed).decode()


def seal_rule(key: Key, workspace_id: int, row: int, text: str) -> bytes:
    """Return a rule's address or domain, sealed under the workspace's sealing key."""
    return seal(key, Place(workspace_id, "policy_rule", row, "sealed"), encoded(text))


def open_rule(key: Key, workspace_id: int, row: int, sealed: bytes) -> str:
    """Return a rule's address or domain."""
    return unseal(key, Place(workspace_id, "policy_rule", row, "sealed"), sealed).decode()


def seal_workspace_name(key: Key, workspace_id: int, name: str) -> bytes:
    """Return a workspace's name, sealed under its sealing key."""
    return seal(key, Place(workspace_id, "workspace", workspace_id, "sealed"), encoded(name))


def open_workspace_name(key: Key, workspace_id: int, sealed: bytes) -> str:
    """Return a workspace's name."""
    return unseal(key, Place(workspace_id, "workspace", workspace_id, "sealed"), sealed).decode()


def seal_active_user(key: Key, workspace_id: int, incarnation: int, user: str) -> bytes:
    """Return the user that an activity row counts for, sealed under the sealing key."""
    place = Place(workspace_id, "activity", incarnation, "sealed_user")
    return seal(key, place, encoded(user))


def open_active_user(key: Key, workspace_id: int, incarnation: int, sealed: bytes) -> str:
    """Return the user that an activity row counts for."""
    return unseal(key, Place(workspace_id, "activity", incarnation, "sealed_user"), sealed).decode()
