"""What NO, BAD and BYE mean to us: a table of codes (RFC 5530) and of known sentences."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

from connectors.errors import ConnectorError, GrantRevoked, Misbehaved, Throttled, Unreachable

_BACKOFF = re.compile(rb"suggested backoff time: (\d{1,10}) milliseconds", re.IGNORECASE)
_CODE = re.compile(rb"\s*\[([A-Za-z0-9-]+)")
_LONGEST_WAIT = timedelta(days=1)

# Gmail says this when the day's 2,500 MB are spent; hours pass before it serves again.
_SPENT = (
    b"session expired, please login again",
    b"command or bandwidth limits",
    b"bandwidth limit",
)
_BUSY = (
    b"too many simultaneous connections",
    b"too many connections",
    b"too many login",
    b"maximum number of connections",
    b"connection limit",
    b"throttled",
    b"rate limit",
    b"too many requests",
)
_AWAY = (
    b"temporar",
    b"try again",
    b"try later",
    b"unavailable",
    b"server busy",
    b"internal error",
    b"internal server error",
    b"server error",
    b"system error",
    b"authenticated but not connected",
    b"shutting down",
    b"timeout",
    b"timed out",
    b"autologout",
    b"idle too long",
    b"inactivity",
)
_PERSON = frozenset(
    {
        b"AUTHENTICATIONFAILED",
        b"AUTHORIZATIONFAILED",
        b"EXPIRED",
        b"PRIVACYREQUIRED",
        b"CONTACTADMIN",
        b"WEBALERT",
    }
)


class During(StrEnum):
    """What was being done: the same sentence means different things at login and later."""

    GREETING = "greeting"
    LOGIN = "login"
    COMMAND = "command"


class Refused(Exception):
    """The server answered NO, BAD or BYE; `code` is its response code in capitals, or empty."""

    def __init__(self, status: bytes, text: bytes) -> None:
        super().__init__(f"the server answered {status.decode('ascii', 'replace')[:7]}")
        self.status = status.upper()
        self.text = text
        match = _CODE.match(text)
        self.code = match[1].upper() if match else b""


def reaction(refused: Refused, during: During) -> ConnectorError:
    """Return the error that says how to go on; its text holds nothing the server wrote."""
    text = refused.text.lower()
    backoff = _BACKOFF.search(text)
    if backoff:
        return Throttled(min(timedelta(milliseconds=int(backoff[1])), _LONGEST_WAIT))
    if refused.code in (b"OVERQUOTA", b"THROTTLED") or any(known in text for known in _SPENT):
        return Throttled(timedelta(hours=1))
    if refused.code in (b"LIMIT", b"INUSE") or any(known in text for known in _BUSY):
        return Throttled(timedelta(minutes=5))
    if refused.code in _PERSON:
        return GrantRevoked(f"login refused, code {refused.code.decode()}")
    if refused.code == b"UNAVAILABLE" or any(known in text for known in _AWAY):
        return Unreachable("the server is away")
    if refused.status == b"BYE":
        return Unreachable("the server said goodbye")
    if refused.code == b"SERVERBUG":
        return Unreachable("the server reports a fault of its own")
    if during is During.LOGIN and refused.status == b"NO":
        return GrantRevoked("login refused")
    return Misbehaved(
        f"{during.value} refused with {refused.status.decode('ascii', 'replace')[:7]}"
    )
