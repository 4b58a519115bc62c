"""Cross-Account Protection: security events about an account, told to who registered for them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jwt

from tests.fakes.common.keys import STRANGER, signing_key
from tests.fakes.common.poster import post
from tests.fakes.common.wire import Answer, Call, json_answer
from tests.fakes.google import errors

if TYPE_CHECKING:
    from tests.fakes.google.accounts import Account
    from tests.fakes.google.world import World

PUSH = "https://schemas.openid.net/secevent/risc/delivery-method/push"
AUDIENCE = "https://risc.googleapis.com/google.identity.risc.v1beta.RiscManagementService"
_RISC = "https://schemas.openid.net/secevent/risc/event-type/"
_OAUTH = "https://schemas.openid.net/secevent/oauth/event-type/"
EVENTS = {
    **{name: _OAUTH + name for name in ("tokens-revoked", "token-revoked")},
    **{
        name: _RISC + name
        for name in (
            *("sessions-revoked", "account-disabled", "account-enabled", "account-purged"),
            *("account-credential-change-required", "verification"),
        )
    },
}
"""The events of developers.google.com/identity/protocols/risc, by the end of their URI."""


@dataclass(slots=True)
class Stream:
    """What the project registered: where events go, and which."""

    url: str | None = None
    events: set[str] = field(default_factory=set)
    is_enabled: bool = True
    sent: list[tuple[str, int]] = field(default_factory=list)
    """Each event's name and the status that it met; 0 when nobody answered."""


def configuration(world: World) -> Answer:
    """Answer `GET /.well-known/risc-configuration`."""
    return json_answer(
        {
            "issuer": f"{world.settings.issuer}/",
            "jwks_uri": f"{world.url}/oauth2/v3/certs",
            "delivery_methods_supported": [PUSH],
            "configuration_endpoint": f"{world.url}/v1beta/stream",
            "status_endpoint": f"{world.url}/v1beta/stream/status",
            "verification_endpoint": f"{world.url}/v1beta/stream:verify",
        }
    )


def manage(world: World, call: Call) -> Answer:
    """Answer the RISC API: get, update, status and verify of the project's one stream."""
    try:
        _check_caller(world, call)
        body = _body(call)
        match call.verb, call.path:
            case "GET", "/v1beta/stream":
                return json_answer(_stream(world.stream))
            case "POST", "/v1beta/stream:update":
                return _update(world.stream, body)
            case "GET", "/v1beta/stream/status":
                return json_answer({"status": _status(world.stream)})
            case "POST", "/v1beta/stream/status:update":
                world.stream.is_enabled = body.get("status") == "enabled"
                return json_answer({})
            case "POST", "/v1beta/stream:verify":
                state = {"state": str(body.get("state", ""))}
                send(world, "verification", event(world, "verification", None, state))
                return json_answer({})
    except errors.Refusal as refusal:
        return refusal.answer()
    return errors.not_found().answer()


def event(
    world: World,
    name: str,
    account: Account | None,
    extra: dict[str, object] | dict[str, str] | None = None,
    token: str | None = None,
    *,
    is_forged: bool = False,
) -> str:
    """Return a signed security event token (RFC 8417), or one signed by a stranger.

    It has no `exp`: an event that happened stays true.
    """
    issuer = f"{world.settings.issuer}/"
    told: dict[str, object] = {}
    if account is not None:
        told["subject"] = {"subject_type": "iss-sub", "iss": issuer, "sub": account.sub}
    if token is not None:
        digest = hashlib.sha512(hashlib.sha512(token.encode()).digest()).hexdigest()
        told["subject"] = {
            "subject_type": "oauth_token",
            "token_type": "refresh_token",
            "token_identifier_alg": "hash_SHA512_double",
            "token": digest,
        }
    if name == "account-disabled":
        told["reason"] = "hijacking"
    claims = {
        "iss": issuer,
        "aud": list(world.clients),
        "iat": world.clock.seconds(),
        "jti": secrets.token_hex(16),
        "events": {EVENTS[name]: told | dict(extra or {})},
    }
    named = {"typ": "secevent+jwt"}
    if is_forged:
        named["kid"] = world.keys.published[0].kid
    return world.keys.sign(claims, signing_key(STRANGER) if is_forged else None, named)


def is_wanted(world: World, name: str) -> bool:
    """Say whether the project asked for events of this kind."""
    stream = world.stream
    asked = not stream.events or EVENTS[name] in stream.events or name == "verification"
    return stream.url is not None and stream.is_enabled and asked


def send(world: World, name: str, token: str) -> int:
    """Post an event where the project wants it (RFC 8935), and return the status it met."""
    assert world.stream.url is not None, "no endpoint is registered for events"
    headers = {"content-type": "application/secevent+jwt", "accept": "application/json"}
    status = post(world.stream.url, token.encode(), headers, world.settings.ca_file)
    with world.lock:
        world.stream.sent.append((name, status))
    return status


def _check_caller(world: World, call: Call) -> None:
    """Let in a service account by a token it signed itself, or by an access token."""
    _, _, text = call.headers.get("authorization", "").partition(" ")
    if not text:
        raise errors.login_required()
    if world.grants.access_token(text) is not None:
        return
    try:
        issuer = jwt.decode(text, options={"verify_signature": False}).get("iss")
        service = world.service_accounts[str(issuer)]
        jwt.decode(
            text,
            service.key.private.public_key(),
            algorithms=["RS256"],
            audience=AUDIENCE,
            options={"verify_exp": False, "verify_iat": False},
        )
    except (jwt.PyJWTError, KeyError):
        raise errors.invalid_credentials() from None


def _body(call: Call) -> dict[str, object]:
    try:
        read = call.json()
    except ValueError:
        raise errors.bad_request("Invalid JSON payload received.") from None
    if not isinstance(read, dict):
        raise errors.bad_request("Invalid JSON payload received.")
    return read


def _update(stream: Stream, body: dict[str, object]) -> Answer:
    delivery = body.get("delivery")
    if not isinstance(delivery, dict) or delivery.get("delivery_method") != PUSH:
        raise errors.invalid_argument("delivery.delivery_method must be push.")
    events = body.get("events_requested")
    if not isinstance(events, list) or not set(events) <= set(EVENTS.values()):
        raise errors.invalid_argument("events_requested has an unknown event.")
    stream.url = str(delivery.get("url"))
    stream.events = set(events)
    return json_answer({})


def _stream(stream: Stream) -> dict[str, object]:
    return {
        "delivery": {"delivery_method": PUSH, "url": stream.url},
        "events_requested": sorted(stream.events),
        "status": _status(stream),
    }


def _status(stream: Stream) -> str:
    return "enabled" if stream.is_enabled else "disabled"
