"""Pub/Sub pushes of Gmail's notifications: signed, at most one a second, and forged on demand."""

from __future__ import annotations

import base64
import secrets
import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import jwt
import orjson

from tests.fakes.common.deliveries import Deliveries, Delivery
from tests.fakes.common.keeping import Listener
from tests.fakes.common.keys import STRANGER, signing_key
from tests.fakes.common.poster import post
from tests.fakes.google.accounts import Account
from tests.fakes.google.history import Record
from tests.fakes.google.world import World

ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})
"""What Pub/Sub takes as an acknowledgement (cloud.google.com/pubsub/docs/push)."""


class Forgery(StrEnum):
    """What is wrong with a push: the five points of its token, and its coarser failures."""

    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SERVICE_ACCOUNT = "service_account"
    EMAIL_VERIFIED = "email_verified"
    EXPIRED = "expired"
    UNSIGNED = "unsigned"
    SYMMETRIC = "symmetric"
    """Signed HS256 with the published certificate as the secret."""
    WITHOUT_TOKEN = "without_token"


_WRONG_CLAIMS: dict[Forgery, dict[str, object]] = {
    Forgery.ISSUER: {"iss": "https://accounts.goggle.com"},
    Forgery.AUDIENCE: {"aud": "https://elsewhere.invalid/hooks/gmail"},
    Forgery.SERVICE_ACCOUNT: {"email": "somebody@another-project.iam.gserviceaccount.com"},
    Forgery.EMAIL_VERIFIED: {"email_verified": False},
}


class Pusher:
    """Sends notifications from a thread of its own, in order, until they are acknowledged."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._deliveries = Deliveries("google-pushes", world.lock)
        self._last: dict[str, float] = {}
        self.start = self._deliveries.start
        self.close = self._deliveries.close
        self.idle = self._deliveries.idle
        world.watches.on_start = Listener(self.publish)

    def changed(self, account: Account, record: Record) -> None:
        """Tell of a change, if its user is watched; the caller holds the lock."""
        watch = self._world.watches.of(account)
        if watch is not None and watch.tells(record):
            self.publish(account)

    def publish(self, account: Account) -> None:
        """Publish the present state, unless this user's last push was too short ago."""
        settings = self._world.settings
        if settings.push_url is None:
            return
        now = time.monotonic()
        last = self._last.get(account.sub)
        if last is not None and now - last < settings.push_interval.total_seconds():
            self._world.counters.pushes_dropped[account.address] += 1
            return
        self._last[account.sub] = now
        body = envelope(self._world, account.address, account.mailbox.history.current)
        url, address = settings.push_url, account.address
        self._deliveries.put(
            Delivery(
                lambda: send(self._world, url, address, body, None) in ACKNOWLEDGED,
                settings.push_attempts,
                settings.push_backoff,
            )
        )


def envelope(world: World, address: str, history_id: int) -> bytes:
    """Return a notification as Pub/Sub wraps it for a push."""
    told = orjson.dumps({"emailAddress": address, "historyId": history_id})
    now = world.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    number = str(secrets.randbits(53))
    return orjson.dumps(
        {
            "message": {
                "data": base64.urlsafe_b64encode(told).decode(),
                "messageId": number,
                "message_id": number,
                "publishTime": now,
                "publish_time": now,
            },
            "subscription": world.settings.subscription,
        }
    )


def send(world: World, url: str, address: str, body: bytes, forgery: Forgery | None) -> int:
    """Push an envelope, note and return the status it met; 0 when nobody answered."""
    headers = {"content-type": "application/json", "user-agent": "APIs-Google"}
    if forgery is not Forgery.WITHOUT_TOKEN:
        headers["authorization"] = f"Bearer {push_token(world, url, forgery)}"
    status = post(url, body, headers, world.settings.ca_file)
    with world.lock:
        world.counters.pushes.append((address, status))
    return status


def push_token(world: World, url: str, forgery: Forgery | None = None) -> str:
    """Return the token of a push, right or wrong in one point.

    See cloud.google.com/pubsub/docs/authenticate-push-subscriptions.
    """
    settings = world.settings
    issued = world.clock.now() - timedelta(hours=3 if forgery is Forgery.EXPIRED else 0)
    claims: dict[str, object] = {
        "aud": settings.push_audience or url,
        "azp": "113774264463038321964",
        "email": settings.push_service_account,
        "email_verified": True,
        "exp": _seconds(issued + timedelta(hours=1)),
        "iat": _seconds(issued),
        "iss": "https://accounts.google.com",
        "sub": "113774264463038321964",
    }
    if forgery is not None:
        claims |= _WRONG_CLAIMS.get(forgery, {})
    published = world.keys.published[0]
    named = {"kid": published.kid}
    if forgery is Forgery.UNSIGNED:
        return jwt.encode(claims, "", algorithm="none", headers=named)
    if forgery is Forgery.SYMMETRIC:
        return _symmetric(claims, published.certificate, published.kid)
    if forgery is Forgery.SIGNATURE:
        # It names the published key and is signed by another.
        return world.keys.sign(claims, signing_key(STRANGER), named)
    return world.keys.sign(claims)


def _symmetric(claims: dict[str, object], secret: str, kid: str) -> str:
    # PyJWT refuses to sign with a certificate as the secret; an attacker does not.
    signed = jwt.api_jws.PyJWS(algorithms=["HS256"])
    signed.unregister_algorithm("HS256")
    signed.register_algorithm("HS256", _AnySecret(jwt.algorithms.HMACAlgorithm.SHA256))
    return signed.encode(orjson.dumps(claims), secret, "HS256", {"kid": kid})


class _AnySecret(jwt.algorithms.HMACAlgorithm):
    def prepare_key(self, key: str | bytes) -> bytes:
        return key.encode() if isinstance(key, str) else key


def _seconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp())
