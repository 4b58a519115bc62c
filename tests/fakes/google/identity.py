"""Who signed in: ID tokens, the userinfo endpoint, the published keys and configuration."""

from __future__ import annotations

import base64
import hashlib

from tests.fakes.common.people import Client
from tests.fakes.common.wire import Answer, Call, json_answer
from tests.fakes.google import errors
from tests.fakes.google.accounts import Account
from tests.fakes.google.grants import AccessToken
from tests.fakes.google.world import World

ID_TOKEN_LASTS_SECONDS = 3600
_EMAIL = "https://www.googleapis.com/auth/userinfo.email"
_PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
_KEYS_KEPT = {"cache-control": "public, max-age=19845, must-revalidate, no-transform"}


def id_token(
    world: World, client: Client, account: Account, access: AccessToken, nonce: str | None
) -> str:
    """Return the signed statement of who signed in (OpenID Connect Core 2)."""
    now = world.clock.seconds()
    half = hashlib.sha256(access.text.encode()).digest()[:16]
    claims: dict[str, object] = {
        "iss": world.settings.issuer,
        "azp": client.client_id,
        "aud": client.client_id,
        **_claims(account, access.scopes),
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        "iat": now,
        "exp": now + ID_TOKEN_LASTS_SECONDS,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return world.keys.sign(claims)


def userinfo(world: World, call: Call) -> Answer:
    """Answer the userinfo endpoint."""
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        text = call.parameter("access_token") or ""
    if not text:
        return errors.login_required().answer()
    token = world.grants.access_token(text.strip())
    if token is None or token.account is None:
        return errors.invalid_credentials().answer()
    if not token.scopes & {"openid", _EMAIL, _PROFILE}:
        return errors.insufficient_scopes("userinfo", "openid").answer()
    picture = {"picture": f"{world.url}/picture/{token.account.sub}"}
    return json_answer(
        _claims(token.account, token.scopes) | (picture if _PROFILE in token.scopes else {})
    )


def key_set(world: World) -> Answer:
    """Answer `GET /oauth2/v3/certs`."""
    return json_answer(world.keys.jwks(), headers=_KEYS_KEPT)


def certificates(world: World) -> Answer:
    """Answer `GET /oauth2/v1/certs`."""
    return json_answer(world.keys.certificates(), headers=_KEYS_KEPT)


def configuration(world: World) -> Answer:
    """Answer `GET /.well-known/openid-configuration`."""
    url = world.url
    return json_answer(
        {
            "issuer": world.settings.issuer,
            "authorization_endpoint": f"{url}/o/oauth2/v2/auth",
            "token_endpoint": f"{url}/token",
            "userinfo_endpoint": f"{url}/oauth2/v3/userinfo",
            "revocation_endpoint": f"{url}/revoke",
            "jwks_uri": f"{url}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": [
                *("aud", "email", "email_verified", "exp", "family_name", "given_name", "iat"),
                *("iss", "name", "picture", "sub"),
            ],
            "code_challenge_methods_supported": (
                ["plain", "S256"] if world.settings.allows_plain_pkce else ["S256"]
            ),
            "grant_types_supported": [
                *("authorization_code", "refresh_token"),
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
            ],
            "authorization_response_iss_parameter_supported": world.settings.sends_iss,
        },
        headers={"cache-control": "public, max-age=3600"},
    )


def _claims(account: Account, scopes: frozenset[str]) -> dict[str, object]:
    claims: dict[str, object] = {"sub": account.sub}
    if account.hosted_domain:
        claims["hd"] = account.hosted_domain
    if _EMAIL in scopes:
        claims |= {"email": account.address, "email_verified": True}
    if _PROFILE in scopes:
        first, _, last = account.name.partition(" ")
        claims |= {"name": account.name, "given_name": first}
        claims |= {"family_name": last} if last else {}
    return claims
