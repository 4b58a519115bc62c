"""Signing in to the pages: a link that is good once, then a session, both kept as hashes."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from models.queries import keys, workspaces
from worker.boot import Service
from worker.refused import NotThere
from worker.workspaces import fingerprint

LINK_LASTS = timedelta(minutes=30)
SESSION_LASTS = timedelta(hours=12)
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in to a workspace."""

    id: int
    workspace_id: int
    secret: str = field(repr=False)

    @property
    def form_token(self) -> str:
        """What a form of this session's pages sends back, so that no other page can."""
        return hmac.new(self.secret.encode(), b"form", "sha256").hexdigest()

    def owns(self, form_token: str) -> bool:
        """Tell whether a form came from a page of this session."""
        return hmac.compare_digest(self.form_token.encode(), form_token.encode())


def make_link(service: Service, workspace_id: int) -> str:
    """Return a link that signs one browser in, once, within half an hour.

    Raises:
        NotThere: There is no such workspace.
    """
    secret = secrets.token_urlsafe(32)
    with service.store.system() as connection:
        if not workspaces.exists(connection, workspace_id):
            raise NotThere
        keys.add_sign_in(connection, workspace_id, "link", fingerprint(secret), LINK_LASTS)
    return f"{service.settings.public_url.rstrip('/')}/sign-in?token={secret}"


def redeem(service: Service, token: str) -> Session | None:
    """Return a new session for a link's token, or None if it isn't good (any more)."""
    if len(token) > LONGEST:
        return None
    secret = secrets.token_urlsafe(32)
    with service.store.system() as connection:
        workspace = keys.redeem(connection, "link", fingerprint(token))
        if workspace is None:
            return None
        id_ = keys.add_sign_in(connection, workspace, "session", fingerprint(secret), SESSION_LASTS)
    return Session(id_, workspace, secret)


def find_session(service: Service, secret: str) -> Session | None:
    """Return the session of a cookie, or None if it isn't good (any more)."""
    if not secret or len(secret) > LONGEST:
        return None
    with service.store.system() as connection:
        row = keys.session(connection, fingerprint(secret))
    return None if row is None else Session(row.id, row.workspace_id, secret)


def sign_out(service: Service, session: Session) -> None:
    """End a session."""
    with service.store.system() as connection:
        keys.redeem(connection, "session", fingerprint(session.secret))
