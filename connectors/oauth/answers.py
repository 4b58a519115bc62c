"""What a token endpoint answers, read the same of every provider (RFC 6749 5.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import ConnectorError, Misbehaved, Unreachable
from connectors.oauth.base import Tokens
from connectors.oauth.errors import ClientRefused, Denied
from connectors.oauth.wire import Reply

WITHOUT_EXPIRY = timedelta(minutes=5)


def tokens_of(
    said: Mapping[str, Any], refresh_token: str = "", spelled: Callable[[str], str] = str
) -> Tokens:
    """Return the tokens of an answer; a refresh token that isn't repeated stays good.

    `spelled` returns a scope as it was asked for.

    Raises:
        Misbehaved: There is no access token, or it isn't a bearer's.
    """
    access_token = text(said, "access_token")
    if not access_token or text(said, "token_type").lower() not in ("bearer", ""):
        raise Misbehaved("no bearer token in the answer")
    try:
        lasts = timedelta(seconds=int(said.get("expires_in", 0)))
    except (TypeError, ValueError, OverflowError):
        lasts = WITHOUT_EXPIRY
    return Tokens(
        access_token=access_token,
        expires_at=datetime.now(UTC) + lasts,
        refresh_token=text(said, "refresh_token") or refresh_token,
        scopes=tuple(spelled(scope) for scope in text(said, "scope").split()),
    )


def text(said: Mapping[str, Any], name: str) -> str:
    """Return a field that is a text; empty if it is missing or something else."""
    value = said.get(name)
    return value if isinstance(value, str) else ""


def error_of(reply: Reply) -> str:
    """Return the error code of an answer (RFC 6749 5.2); empty if it says none."""
    try:
        return text(reply.json(), "error")
    except Misbehaved:
        return ""


def refusal(error: str, status: int) -> ConnectorError:
    """Return what an error code means that doesn't depend on the question."""
    if error in ("invalid_client", "unauthorized_client", "invalid_scope", "redirect_uri_mismatch"):
        return ClientRefused(error)
    if error in ("temporarily_unavailable", "server_error", "internal_failure"):
        return Unreachable(error)
    return Misbehaved(f"an answer of status {status} that nothing is known of")


def browser_refusal(error: str) -> ConnectorError:
    """Return what an error means that a browser brings back (RFC 6749 4.1.2.1)."""
    if error == "access_denied":
        return Denied("the person said no")
    if error in ("temporarily_unavailable", "server_error"):
        return Unreachable(error)
    return ClientRefused("the provider refuses what it is asked for")
