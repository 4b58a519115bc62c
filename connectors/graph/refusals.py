"""What an answer of Graph that isn't 2xx means: one of our reactions, never its text."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from http import HTTPStatus
from random import uniform

import orjson

from connectors.errors import (
    ClaimsWanted,
    ConnectorError,
    CursorExpired,
    GrantRevoked,
    MessageGone,
    Misbehaved,
    Throttled,
    Unreachable,
)
from connectors.oauth.errors import NoMailbox
from connectors.oauth.wire import WITHOUT_RETRY_AFTER, Reply, retry_after

SHORT = timedelta(seconds=2)
NOT_HERE = frozenset(
    {
        "mailboxnotenabledforrestapi",
        "mailboxnotsupportedforrestapi",
        "mailboxnothostedinexchangeonline",
        "accountsuspended",
        "errornonexistentmailbox",
        "errorinvaliduser",
        "request_resourcenotfound",
        "resourcenotfound",
    }
)
"""The account has no mailbox here: no licence, on premises, closed (Graph, "Known issues")."""
NO_ITEM = frozenset(
    {"erroritemnotfound", "errorfoldernotfound", "errorinvalidid", "errorinvalididmalformed"}
)
STALE_LINK = frozenset({"syncstatenotfound", "syncstateinvalid", "errorinvalidsyncstatedata"})
"""And whatever begins with resyncRequired: the delta begins anew (Graph, "Delta query")."""
_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9+/_=-]+)"')


class Forbidden(GrantRevoked):
    """The token is good, but not for this: of a mailbox the grant, of one message the message."""


def refusal(reply: Reply) -> ConnectorError:
    """Return the reaction to an answer; a code counts more than the status it came with."""
    code = code_of(reply.body).lower()
    if code in STALE_LINK or code.startswith("resync") or reply.status == HTTPStatus.GONE:
        return CursorExpired("the link is no good any more")
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return unauthorized(reply)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        crowded = b"mailboxconcurrency" in reply.body.lower()
        wait = SHORT * uniform(0.5, 1.5) if crowded else WITHOUT_RETRY_AFTER  # noqa: S311  (jitter)
        return Throttled(retry_after(reply, wait))
    if code in NOT_HERE:
        return NoMailbox("the account has no mailbox")
    if reply.status == HTTPStatus.NOT_FOUND or code in NO_ITEM:
        return MessageGone("not found")
    if reply.status == HTTPStatus.FORBIDDEN:
        return Forbidden("access is denied")
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        if reply.header("retry-after"):
            return Throttled(retry_after(reply))
        return Unreachable(f"status {reply.status}")
    return Misbehaved(f"status {reply.status}")


def unauthorized(reply: Reply) -> GrantRevoked:
    """Return what a 401 asks for: a new token, or one with claims (Entra, "Claims challenge")."""
    found = _CLAIMS.search(reply.header("www-authenticate"))
    if found is None:
        return GrantRevoked("the access token is refused")
    text = found[1].replace("-", "+").replace("_", "/")
    try:
        claims = base64.b64decode(text + "=" * (-len(text) % 4)).decode()
        orjson.loads(claims)
    except (binascii.Error, ValueError):
        return GrantRevoked("the access token is refused")
    return ClaimsWanted(claims)


def code_of(content: bytes) -> str:
    """Return the code in Graph's error body, or nothing if there is none."""
    try:
        found = orjson.loads(content)["error"]["code"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return ""
    return found if isinstance(found, str) else ""
