"""Google's security events (Cross-Account Protection): tokens of RFC 8417, verified and read."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.oauth.errors import Unproven
from connectors.oauth.jwt import Keys, verify

RISC = "https://schemas.openid.net/secevent/risc/event-type/"
OAUTH = "https://schemas.openid.net/secevent/oauth/event-type/"
ENDING = frozenset(
    {
        f"{RISC}sessions-revoked",
        f"{RISC}account-disabled",
        f"{RISC}account-purged",
        f"{OAUTH}tokens-revoked",
        f"{OAUTH}token-revoked",
    }
)
"""Kinds of events after which a grant isn't used any more until its person agrees anew."""
TOKEN_NAMED_BY = frozenset({"hash_base64_sha512_sha512", "hash_SHA512_double"})
"""How a token is named: by its digest's digest. Google writes it in base64, others in hex."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its kind, and the account or the refresh token that it is about.

    `token` is the hexadecimal SHA-512 of the SHA-512 of a refresh token.
    """

    kind: str
    subject: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def ends_grants(self) -> bool:
        """Whether what it is about may not be used any more."""
        return self.kind in ENDING


@dataclass(frozen=True, slots=True)
class Told:
    """A verified token: its id, when it was made, and its events."""

    id: str
    at: datetime
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class SecurityEvents:
    """Verifies what is said to come from Google for one client."""

    issuers: Collection[str]
    audience: str
    keys: Keys
    provider: str = "gmail"

    def verify(self, token: str, earliest: datetime) -> Told:
        """Return what a token tells; one made before `earliest` isn't believed any more.

        It has no end of its own (RFC 8417 2.2): what happened stays true.

        Raises:
            Unproven: Its signature, issuer or audience doesn't hold, or it isn't whole.
            connectors.errors.ConnectorError: The keys are not to be had now.
        """
        named = [f"{one}{end}" for one in self.issuers for end in ("", "/")]
        told = verify(token, self.keys, named, self.audience, ("jti",), may_expire=False)
        id_, events = told.text("jti"), told.claims.get("events")
        at = datetime.fromtimestamp(told.claims["iat"], UTC)
        if not 0 < len(id_) <= 500 or not isinstance(events, Mapping):
            raise Unproven("not a security event")
        if at < earliest:
            raise Unproven("too old to be believed")
        return Told(id_, at, tuple(self.read(kind, about) for kind, about in events.items()))

    def read(self, kind: str, about: object) -> Event:
        """Return an event; of a subject that isn't Google's own account, only the kind."""
        subject = child(about, "subject")
        named = str(subject.get("subject_type", subject.get("format", "")))
        if named in ("iss-sub", "iss_sub", "id_token_claims"):
            issuer = str(subject.get("iss", "")).rstrip("/")
            if issuer in self.issuers and subject.get("sub"):
                return Event(kind, subject=str(subject["sub"]))
        if named == "oauth_token" and subject.get("token_identifier_alg") in TOKEN_NAMED_BY:
            return Event(kind, token=digest_of(str(subject.get("token", ""))))
        return Event(kind)


def digest_of(text: str) -> str:
    """Return a SHA-512 in hexadecimal, however it was written; empty if it is none."""
    try:
        raw = bytes.fromhex(text) if len(text) == 128 else b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return ""
    return raw.hex() if len(raw) == 64 else ""


def child(value: object, name: str) -> Mapping[str, Any]:
    """Return an object within an object; empty where there is none."""
    inner = value.get(name) if isinstance(value, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}
