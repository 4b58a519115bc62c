"""What Entra's errors mean: by their OAuth names, and by Microsoft's codes where those say less.

Microsoft warns that its codes (AADSTS…) may change: whatever isn't known here is what its OAuth
name says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from connectors.errors import ConnectorError, Misbehaved, Unreachable
from connectors.oauth.answers import browser_refusal, refusal, text
from connectors.oauth.errors import (
    AdminWanted,
    ClientRefused,
    CodeRefused,
    GrantEnded,
    InteractionWanted,
)
from connectors.oauth.wire import Reply

CODES = re.compile(r"AADSTS(\d{5,7})")
ADMIN = frozenset({65001, 90093, 90094, 90095, 90097, 90099})
"""Nobody, or only an administrator, has consented, or may."""
INTERACTION = frozenset({50072, 50074, 50076, 50078, 50079, 50158, 53003, 530034})
"""A second factor, a compliant device, or whatever else a policy wants of the person."""
CLIENT = frozenset({700016, 7000112, 7000215, 7000222, 7000218, 50011, 650053, 650052})
"""The registration: unknown, disabled, a wrong or expired secret, a redirect address."""
TRANSIENT = frozenset({50196, 90033})
"""Entra wants to be asked less, or later; the grant is as good as it was."""
LONGEST_CLAIMS = 4000


def codes_in(description: str) -> frozenset[int]:
    """Return Microsoft's codes in a description."""
    return frozenset(int(code) for code in CODES.findall(description[:4000]))


def codes_of(said: Mapping[str, Any]) -> frozenset[int]:
    """Return Microsoft's codes in an answer of the token endpoint."""
    listed = said.get("error_codes")
    numbers = listed if isinstance(listed, list) else []
    return codes_in(text(said, "error_description")) | {
        one for one in numbers if isinstance(one, int)
    }


def by_browser(error: str, description: str) -> ConnectorError:
    """Return what an error means that a browser brought back."""
    codes = codes_in(description)
    if codes & ADMIN or error == "consent_required":
        return AdminWanted("consent is an administrator's to give")
    if error in ("interaction_required", "login_required") or codes & INTERACTION:
        return InteractionWanted()
    return browser_refusal(error)


def by_token(reply: Reply, *, code: bool = False) -> ConnectorError:
    """Return what a refusal of the token endpoint means; `code`: what was refused is a code."""
    try:
        said = reply.json()
    except Misbehaved as broken:
        return broken
    error, codes = text(said, "error"), codes_of(said)
    if codes & TRANSIENT:
        return Unreachable("Entra is busy")
    if codes & CLIENT:
        return ClientRefused(error)
    if error == "interaction_required" or codes & INTERACTION:
        return InteractionWanted(claims_in(text(said, "claims")))
    if code and (error == "consent_required" or codes & ADMIN):
        return AdminWanted("consent is an administrator's to give")
    if error in ("invalid_grant", "consent_required"):
        return CodeRefused("the code is refused") if code else GrantEnded(error)
    if code and error == "invalid_request":
        return CodeRefused("the code is refused")
    return refusal(error, reply.status)


def claims_in(value: str) -> str:
    """Return a claims challenge if it is one (OpenID Connect Core 5.5); else nothing."""
    if not 0 < len(value) <= LONGEST_CLAIMS:
        return ""
    try:
        wanted = json.loads(value)
    except (ValueError, RecursionError):
        return ""
    is_one = isinstance(wanted, dict) and isinstance(wanted.get("access_token", {}), dict)
    return value if is_one else ""


def lacking(granted: Collection[str], needed: Collection[str]) -> list[str]:
    """Return the scopes that weren't granted; how they are spelled differs in case."""
    held = {scope.lower() for scope in granted}
    return [scope for scope in needed if scope.lower() not in held]
