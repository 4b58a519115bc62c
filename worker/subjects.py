"""An account as its provider names it: found by keyed hashes, a different one per workspace."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from models.queries import grants, workspaces
from privacy.contents import Grant
from privacy.vault import Index, Shredded

if TYPE_CHECKING:
    from worker.boot import Service


def subject_hash(index: Index, provider: str, subject: str) -> bytes:
    """Return the hash of a provider's account within a workspace."""
    return index.hash("subject", f"{provider}\0{subject}")


def token_hash(index: Index, grant: Grant) -> bytes | None:
    """Return the hash of how Google names a grant's refresh token when it was revoked."""
    if grant.kind != "oauth":
        return None
    return named_hash(index, name_of(grant.secret))


def named_hash(index: Index, name: str) -> bytes:
    """Return the hash of a token's name within a workspace."""
    return index.hash("token", name)


def name_of(token: str) -> str:
    """Return how events name a token: the SHA-512 of its SHA-512, in hexadecimal."""
    return hashlib.sha512(hashlib.sha512(token.encode()).digest()).hexdigest()


def holders(service: Service, provider: str, subject: str) -> Iterator[tuple[int, int]]:
    """Yield workspace and mailbox of all connected mailboxes of an account."""
    return search(
        service,
        lambda connection, index: grants.of_subject(
            connection, subject_hash(index, provider, subject)
        ),
    )


def holders_of_token(service: Service, name: str) -> Iterator[tuple[int, int]]:
    """Yield workspace and mailbox of all connected mailboxes that a refresh token is of."""
    return search(
        service,
        lambda connection, index: grants.of_token(connection, named_hash(index, name)),
    )


def search(
    service: Service, find: Callable[[Connection, Index], list[int]]
) -> Iterator[tuple[int, int]]:
    """Yield workspace and mailbox of all that are found, workspace by workspace.

    A workspace's hashes can be made with its own key only, so each is asked; that is a few
    milliseconds, and events are rare.
    """
    with service.store.system() as connection:
        ids = [row.id for row in workspaces.held(connection)]
    for workspace in ids:
        try:
            index = service.vault.workspace(workspace).index
        except Shredded:
            continue
        with service.store.workspace(workspace) as connection:
            found = find(connection, index)
        yield from ((workspace, mailbox) for mailbox in found)
