"""Who signed in: the ID token, and the client info that msal keeps accounts by.

See learn.microsoft.com/entra/identity-platform/id-token-claims-reference: `oid`, `name` and
`preferred_username` come with `profile` only; `sub` differs for each program; `email` is what the
directory holds and proves nothing.
"""

from __future__ import annotations

import base64
import secrets

import orjson

from tests.fakes.common.people import Client
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.entra.metadata import issuer
from tests.fakes.microsoft.world import World

ID_TOKEN_LASTS_SECONDS = 3600
AGO_SECONDS = 300
"""Entra dates its tokens five minutes back, for clocks that are late."""


def id_token(
    world: World, client: Client, account: Account, scopes: frozenset[str], nonce: str | None
) -> str:
    """Return the signed statement of who signed in (OpenID Connect Core 2)."""
    now = world.clock.seconds()
    begins = now - AGO_SECONDS
    claims: dict[str, object] = {
        "aud": client.client_id,
        "iss": issuer(world, account.tid),
        "iat": begins,
        "nbf": begins,
        "exp": now + ID_TOKEN_LASTS_SECONDS,
        "aio": secrets.token_urlsafe(60),
        "rh": secrets.token_urlsafe(30),
        "sub": account.sub(client.client_id),
        "tid": account.tid,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
    }
    if "profile" in scopes:
        claims |= {
            "name": account.name,
            "oid": account.oid,
            "preferred_username": account.username,
        }
    if "email" in scopes and account.email is not None:
        claims["email"] = account.email
    if world.settings.shows_edov:
        claims["xms_edov"] = account.is_email_verified
    if account.home is not None:
        claims["idp"] = f"https://sts.windows.net/{account.home.id}/"
    if nonce is not None:
        claims["nonce"] = nonce
    return world.keys.sign(claims)


def client_info(account: Account) -> str:
    """Return what `client_info=1` asks for: the account's ids, not signed."""
    home = account.home or account.tenant
    told = orjson.dumps({"uid": account.oid, "utid": home.id})
    return base64.urlsafe_b64encode(told).decode().rstrip("=")
