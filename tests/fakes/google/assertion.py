"""Service accounts: a signed assertion instead of a person's consent (RFC 7523)."""

from __future__ import annotations

import jwt

from tests.fakes.google import scopes
from tests.fakes.google.accounts import Account, ServiceAccount
from tests.fakes.google.grants import AccessToken
from tests.fakes.google.token_errors import Denied
from tests.fakes.google.world import World

LONGEST_SECONDS = 3600
SKEW_SECONDS = 300


def exchange(world: World, assertion: str) -> AccessToken:
    """Return an access token for a service account, or for whom it acts (`sub`).

    Raises:
        Denied: The assertion is not its own, stale, or asks for what no administrator gave.
    """
    claims = _verified(world, assertion)
    service = world.service_accounts[str(claims["iss"])]
    wanted = scopes.expanded(str(claims.get("scope", "")))
    if not wanted:
        raise Denied("invalid_scope", "Empty or missing scope not allowed.")
    subject = claims.get("sub")
    if subject is None or subject == service.address:
        return world.grants.new_access_token(None, wanted, None, service.address)
    return world.grants.new_access_token(
        _person(world, service, str(subject), wanted), wanted, None
    )


def _verified(world: World, assertion: str) -> dict[str, object]:
    try:
        claims: dict[str, object] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Denied("invalid_grant", "Invalid JWT.") from None
    service = world.service_accounts.get(str(claims.get("iss")))
    if service is None:
        raise Denied("invalid_grant", "Invalid grant: account not found")
    audiences = {f"{world.url}/token", "https://oauth2.googleapis.com/token"}
    try:
        jwt.decode(
            assertion,
            service.key.private.public_key(),
            algorithms=["RS256"],
            audience=audiences,
            # Time is checked below, against the stand-in's clock.
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except jwt.InvalidAudienceError:
        raise Denied("invalid_grant", "Invalid JWT: Failed audience check.") from None
    except jwt.PyJWTError:
        raise Denied("invalid_grant", "Invalid JWT Signature.") from None
    issued, expires = claims.get("iat"), claims.get("exp")
    now = world.clock.seconds()
    if not (
        isinstance(issued, int)
        and isinstance(expires, int)
        and issued - SKEW_SECONDS <= now < expires <= issued + LONGEST_SECONDS
    ):
        raise Denied(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
            "timeframe. Check your iat and exp values in the JWT claim.",
        )
    return claims


def _person(world: World, service: ServiceAccount, subject: str, wanted: frozenset[str]) -> Account:
    account = world.accounts.find(subject)
    if account is None or account.is_disabled:
        raise Denied("invalid_grant", "Invalid email or User ID")
    if not wanted <= service.delegated.get(account.hosted_domain or "", frozenset()):
        raise Denied(
            "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this method, or client not "
            "authorized for any of the scopes requested.",
            401,
        )
    return account
