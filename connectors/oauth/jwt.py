"""Signed tokens of a provider, by PyJWT: one algorithm, the provider's own keys, nothing else.

The algorithm is ours to say, never the token's: with "none", or with a public key taken for an
HMAC secret, anybody could sign (RFC 8725 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any

import jwt
from jwt import PyJWK, PyJWKSet

from connectors.errors import Misbehaved
from connectors.oauth.errors import Unproven
from connectors.oauth.wire import Wire

ALGORITHM = "RS256"
LONGEST = 16 * 1024
"""Characters of a token."""
LEEWAY_SECONDS = 30
"""How far the provider's clock may be from ours."""
KEYS_SECONDS = 3600.0
"""How long keys are kept at most; a provider changes them every few weeks."""
ASK_AGAIN_SECONDS = 30.0
"""A key that isn't known is asked for no more often, or a forger could make us ask for ever."""
MAX_AGE = re.compile(r"max-age=(\d{1,9})")
TENANT = "{tenantid}"
"""Where an issuer is a pattern, it stands for the tenant that a token is of (claim `tid`)."""
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Keys:
    """A provider's public keys, asked for when they are needed. Safe to use from many threads."""

    def __init__(self, wire: Wire, url: str | Callable[[], str]) -> None:
        self._wire, self._url = wire, url
        self._lock = Lock()
        self._keys: dict[str, PyJWK] = {}
        self._issuers: dict[str, set[str]] = {}
        self._stale_at = 0.0
        self._asked_at = -ASK_AGAIN_SECONDS

    def find(self, kid: str) -> PyJWK | None:
        """Return the key of a name, or None.

        Raises:
            connectors.errors.ConnectorError: They are not to be had now.
        """
        with self._lock:
            now = monotonic()
            is_stale = now >= self._stale_at
            may_ask = now - self._asked_at >= ASK_AGAIN_SECONDS
            if is_stale or (kid not in self._keys and may_ask):
                self._load(now)
            return self._keys.get(kid)

    def issuers_of(self, kid: str) -> Collection[str]:
        """Return whom alone a key that was found signs for; nobody if for any (see Microsoft)."""
        with self._lock:
            return self._issuers.get(kid, ())

    def load(self) -> None:
        """Ask for the keys now.

        Raises:
            connectors.errors.ConnectorError: They are not to be had.
        """
        with self._lock:
            self._load(monotonic())

    def _load(self, now: float) -> None:
        url = self._url if isinstance(self._url, str) else self._url()
        reply = self._wire.get(url)
        if reply.status != 200:
            raise Misbehaved(f"the keys' address answers {reply.status}")
        try:
            told = reply.json()
            found = PyJWKSet.from_dict(told).keys
        except jwt.PyJWTError:
            raise Misbehaved("the keys can't be read") from None
        self._keys = {
            key.key_id: key for key in found if key.key_id and key.public_key_use in (None, "sig")
        }
        self._issuers = {}
        for key in told["keys"]:
            if isinstance(key.get("issuer"), str):
                self._issuers.setdefault(str(key.get("kid")), set()).add(key["issuer"])
        said = MAX_AGE.search(reply.headers.get("Cache-Control", ""))
        self._stale_at = now + min(float(said[1]) if said else KEYS_SECONDS, KEYS_SECONDS)
        self._asked_at = now


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token claims, once its signature, issuer and audience hold."""

    claims: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a claim that is a text; empty if it is missing or something else."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""


def verify(
    token: str,
    keys: Keys,
    issuers: Collection[str],
    audience: str,
    require: Collection[str],
    *,
    may_expire: bool = True,
) -> Verified:
    """Return what a token claims; the message of a refusal says why, and nothing of the token.

    An issuer may be a pattern with a tenant in it: then it holds for the token's own tenant,
    and for keys that sign for that one.

    Raises:
        Unproven: It isn't signed by one of the keys, not for us, not now, or not whole.
        connectors.errors.ConnectorError: The keys are not to be had now.
    """
    if not token or len(token) > LONGEST or not token.isascii():
        raise Unproven("not a token")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise Unproven("not a token") from None
    kid = header.get("kid")
    if header.get("alg") != ALGORITHM or not isinstance(kid, str) or "crit" in header:
        raise Unproven("signed by another algorithm, or by no named key")
    key = keys.find(kid)
    if key is None or key.key_type != "RSA":
        raise Unproven("signed by no key of the provider")
    try:
        claims = jwt.decode(
            token,
            key.key,
            algorithms=[ALGORITHM],
            audience=audience,
            issuer=[issuer_for(token, one) for one in issuers],
            leeway=LEEWAY_SECONDS,
            options={
                "require": ["iss", "aud", "iat", *require],
                "verify_exp": may_expire,
                "strict_aud": False,
            },
        )
    except (jwt.PyJWTError, TypeError, ValueError, OverflowError) as error:
        raise Unproven(f"refused ({type(error).__name__})") from None
    bound = keys.issuers_of(kid)
    if bound and claims["iss"] not in [issuer_for(token, one) for one in bound]:
        raise Unproven("signed by a key of another issuer")
    return Verified(claims)


def issuer_for(token: str, issuer: str) -> str:
    """Return an issuer; a pattern is filled in with a token's tenant, which is yet to be verified.

    Raises:
        Unproven: The token names no tenant.
    """
    if TENANT not in issuer:
        return issuer
    try:
        tenant = jwt.decode(token, options={"verify_signature": False}).get("tid")
    except jwt.PyJWTError:
        raise Unproven("not a token") from None
    if not isinstance(tenant, str) or not GUID.fullmatch(tenant):
        raise Unproven("of no tenant")
    return issuer.replace(TENANT, tenant)


def check_audience(claims: Mapping[str, Any], audience: str) -> None:
    """Refuse a token that was made for others too, or authorised by another (OIDC 3.1.3.7).

    Raises:
        Unproven: It was.
    """
    aud = claims.get("aud")
    if isinstance(aud, list) and aud != [audience]:
        raise Unproven("made for several")
    if "azp" in claims and claims["azp"] != audience:
        raise Unproven("authorised by another client")
