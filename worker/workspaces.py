"""Workspaces and the keys of their API: made, looked up, revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from models.base import AnyRow
from models.queries import keys, workspaces
from privacy.contents import open_workspace_name, seal_workspace_name
from worker.boot import Service
from worker.refused import NotThere


class Right(StrEnum):
    """What an API key may do; an admin may do what the CRM may."""

    CRM = "crm"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key, shown this once."""

    id: int
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a call speaks for."""

    key_id: int
    workspace_id: int
    right: Right

    @property
    def name(self) -> str:
        """How the caller is named in an instruction."""
        return f"api key {self.key_id}"


def create_workspace(service: Service, name: str) -> tuple[int, NewKey]:
    """Create a workspace with an admin's API key; return its id and the key."""
    with service.store.system() as connection:
        id_ = workspaces.draw_id(connection)
    service.vault.make_workspace_key(id_)
    sealed = seal_workspace_name(service.vault.workspace(id_).sealing, id_, name)
    with service.store.system() as connection:
        workspaces.add(connection, id_, sealed)
    return id_, make_key(service, id_, Right.ADMIN)


def list_workspaces(service: Service) -> list[tuple[int, str]]:
    """Return id and name of all workspaces, in order of id."""
    with service.store.system() as connection:
        rows = workspaces.held(connection)
    return [
        (row.id, open_workspace_name(service.vault.workspace(row.id).sealing, row.id, row.sealed))
        for row in rows
        if row.sealed is not None
    ]


def make_key(service: Service, workspace_id: int, right: Right) -> NewKey:
    """Make an API key; only its hash is kept.

    Raises:
        NotThere: There is no such workspace.
    """
    secret = f"lm_{right}_{secrets.token_urlsafe(32)}"
    with service.store.system() as connection:
        if not workspaces.exists(connection, workspace_id):
            raise NotThere
        return NewKey(keys.add(connection, workspace_id, right, fingerprint(secret)), secret)


def find_caller(service: Service, secret: str) -> Caller | None:
    """Return whom a key speaks for, or None if it is unknown or revoked."""
    with service.store.system() as connection:
        row = keys.find(connection, fingerprint(secret))
    return None if row is None else Caller(row.id, row.workspace_id, Right(row.scope))


def list_keys(service: Service, workspace_id: int) -> Sequence[AnyRow]:
    """Return id, scope and times of a workspace's keys."""
    with service.store.system() as connection:
        return keys.held(connection, workspace_id)


def revoke_key(service: Service, key_id: int) -> bool:
    """Revoke a key from this moment on; tell whether it was good until now."""
    with service.store.system() as connection:
        return keys.revoke(connection, key_id)


def fingerprint(secret: str) -> bytes:
    """Return the SHA-256 of a key or link: its 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
