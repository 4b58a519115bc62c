"""What an answer of the API that isn't 200 means: one of our reactions, never its text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from random import uniform
from typing import Any

import orjson

from connectors.errors import (
    ConnectorError,
    GrantRevoked,
    MessageGone,
    Misbehaved,
    Throttled,
    Unreachable,
)

SHORT = timedelta(seconds=2)
RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})
"""Too fast: the same call later is fine (Gmail API, "Resolve errors")."""
DAY_REASONS = frozenset({"dailyLimitExceeded", "limitExceeded"})
DAY = timedelta(hours=1)
GRANT_REASONS = frozenset({"insufficientPermissions", "authError", "accessTokenScopeInsufficient"})


class PageExpired(ConnectorError):
    """The page token is no good any more: the listing begins again."""

    code = "page-expired"


def refusal(status: int, headers: Mapping[str, str], content: bytes) -> ConnectorError:
    """Return the reaction to an answer; a reason counts more than the status it came with."""
    reason = reason_of(content)
    if status == HTTPStatus.UNAUTHORIZED:
        return GrantRevoked("the access token is refused")
    if status == HTTPStatus.TOO_MANY_REQUESTS or reason in RATE_REASONS:
        return Throttled(retry_after(headers))
    if reason in DAY_REASONS:
        return Throttled(DAY)
    if status == HTTPStatus.FORBIDDEN and reason in GRANT_REASONS:
        return GrantRevoked("the grant lacks a scope")
    if status == HTTPStatus.NOT_FOUND:
        return MessageGone("not found")
    if status == HTTPStatus.BAD_REQUEST and reason == "invalidArgument":
        return PageExpired("an argument is refused")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unreachable(f"status {status}")
    return Misbehaved(f"status {status}")


def reason_of(content: bytes) -> str:
    """Return the reason in Google's error body, or nothing if there is none."""
    try:
        error = orjson.loads(content)["error"]
        found: Any = error["errors"][0]["reason"] if error.get("errors") else error.get("status")
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return ""
    return found if isinstance(found, str) else ""


def retry_after(headers: Mapping[str, str]) -> timedelta:
    """Return how long the server wants us to wait, or a short while, jittered."""
    value = str(headers.get("retry-after", "")).strip()
    if value.isdigit():
        return timedelta(seconds=min(int(value), 86_400))
    try:
        wait = parsedate_to_datetime(value) - datetime.now(UTC)
    except (ValueError, TypeError):
        return SHORT * uniform(0.8, 1.5)  # noqa: S311  (jitter, not a secret)
    return max(wait, timedelta(0))
