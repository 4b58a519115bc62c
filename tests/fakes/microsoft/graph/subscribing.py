"""`/subscriptions`: made after a handshake with the endpoint, renewed, authorized, removed.

See learn.microsoft.com/graph/api/resources/subscription. The handshake asks the program while the
program asks: the lock is not held meanwhile.
"""

from __future__ import annotations

import urllib.parse
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.fakes.common.counters import Refused
from tests.fakes.common.poster import exchange
from tests.fakes.common.wire import Answer, Breakage, Call
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.entra.grants import AccessToken
from tests.fakes.microsoft.graph import refusals
from tests.fakes.microsoft.graph.answers import told
from tests.fakes.microsoft.graph.journal import Change
from tests.fakes.microsoft.graph.refusals import Refusal, bad_request
from tests.fakes.microsoft.graph.request import prefers_immutable
from tests.fakes.microsoft.graph.subscriptions import Subscription, read_resource
from tests.fakes.microsoft.graph.tokens import bearer
from tests.fakes.microsoft.world import World

HANDSHAKE = timedelta(seconds=10)
LONGEST_STATE = 128
MOST = 1_000
"""Subscriptions per mailbox and app."""
_READS = frozenset({"Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite", "Mail.ReadBasic.All"})
_KNOWN = frozenset(
    "changeType notificationUrl lifecycleNotificationUrl resource expirationDateTime clientState "
    "latestSupportedTlsVersion".split()
)
_NAMES = {
    ("POST", 0): "create",
    ("GET", 0): "list",
    ("GET", 1): "get",
    ("PATCH", 1): "update",
    ("DELETE", 1): "delete",
    ("POST", 2): "reauthorize",
}


def answer(world: World, call: Call) -> Answer:
    """Answer everything below `/v1.0/subscriptions`."""
    pieces = [each for each in call.path.split("/")[3:] if each]
    name = _NAMES.get((call.verb, len(pieces)))
    if name is None or pieces[1:] not in ([], ["reauthorize"]):
        return bad_request("Resource not found.").answer(world.clock.now())
    return _Visit(world, call, f"graph.subscriptions.{name}", pieces).answer()


class _Visit:
    """One call on its way through."""

    def __init__(self, world: World, call: Call, method: str, pieces: list[str]) -> None:
        self._world = world
        self._call = call
        self._method = method
        self._pieces = pieces
        self._address = ""

    def answer(self) -> Answer:
        breakage = None
        try:
            with self._world.lock:
                token, breakage = self._let_in()
            found = self._serve(token)
        except Refusal as refusal:
            asked_as = self._call.headers.get("client-request-id", "")
            found = refusal.answer(self._world.clock.now(), asked_as)
            with self._world.lock:
                refused = Refused(self._method, self._address, refusal.status, refusal.code)
                self._world.counters.refused.append(refused)
        delay = self._world.faults.delay_of(self._method)
        return replace(found, delay=delay, breakage=breakage)

    def _let_in(self) -> tuple[AccessToken, Breakage | None]:
        token = bearer(self._world, self._call)
        self._address = token.account.address if token.account else ""
        self._world.counters.calls[self._method] += 1
        if self._address:
            self._world.counters.of(self._address).calls[self._method] += 1
        if not token.scopes & _READS:
            raise refusals.access_denied()
        faults = self._world.faults
        return token, faults.suffer(self._method, self._address or None, refusals.ordered)

    def _serve(self, token: AccessToken) -> Answer:
        if self._method.endswith(".create"):
            return self._create(token)
        with self._world.lock:
            if self._method.endswith(".list"):
                shown = [each.described() for each in self._world.subscriptions if _is(each, token)]
                return told({"@odata.context": self._context(""), "value": shown})
            found = self._world.subscriptions.find(self._pieces[0])
            if found is None or not _is(found, token):
                raise Refusal(404, "ResourceNotFound", "The object was not found.")
            return self._on(found)

    def _on(self, found: Subscription) -> Answer:
        match self._method.rpartition(".")[2]:
            case "get":
                return told({"@odata.context": self._context("/$entity"), **found.described()})
            case "update":
                body = self._body()
                if set(body) - {"expirationDateTime"}:
                    raise bad_request("Only the expirationDateTime can be changed.")
                found.expires_at = self._end(body)
                found.is_paused = False
                return told({"@odata.context": self._context("/$entity"), **found.described()})
            case "reauthorize":
                found.is_paused = False
                return Answer(204)
            case _:
                self._world.subscriptions.remove(found)
                return Answer(204)

    def _create(self, token: AccessToken) -> Answer:
        body = self._body()
        with self._world.lock:
            made = self._read(token, body)
        for url in dict.fromkeys([made.url, made.lifecycle_url]):
            if url:
                self._shake_hands(url)
        with self._world.lock:
            self._world.subscriptions.add(made)
            shown = made.described() | {"clientState": made.client_state}
            return told({"@odata.context": self._context("/$entity"), **shown}, 201)

    def _read(self, token: AccessToken, body: dict[str, object]) -> Subscription:
        if strange := sorted(set(body) - _KNOWN):
            raise refusals.unserved(f"the property {strange[0]} of a subscription")
        named = {name: str(value) for name, value in body.items() if value is not None}
        for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
            if not named.get(name):
                raise _invalid(f"'{name}' is a required property.")
        account, folder = self._whose(token, named["resource"])
        state = named.get("clientState")
        if state is not None and len(state) > LONGEST_STATE:
            raise _invalid(f"clientState is longer than {LONGEST_STATE} characters.")
        if len(self._world.subscriptions.of(account)) >= MOST:
            raise Refusal(403, "ErrorExceededSubscriptionCount", "Too many subscriptions.")
        kinds = [each.strip().casefold() for each in named["changeType"].split(",")]
        if unknown := [each for each in kinds if each not in set(Change)]:
            raise _invalid(f"changeType {unknown[0]} is not supported.")
        creator = token.account.oid if token.account else token.client.client_id
        return Subscription(
            *(token.client, creator, account, named["resource"], folder),
            frozenset(Change(each) for each in kinds),
            self._url(named["notificationUrl"]),
            self._url(named.get("lifecycleNotificationUrl", "")),
            state,
            prefers_immutable(self._call),
            self._end(body),
        )

    def _whose(self, token: AccessToken, resource: str) -> tuple[Account, str]:
        read = read_resource(resource)
        if read is None:
            raise refusals.unserved(f"a subscription to {resource}")
        user, folder = read
        account = token.account if user is None else self._world.accounts.find(user)
        if account is None:
            raise refusals.no_user(user or "me")
        # With delegated permissions one's own mailbox only, never a shared one.
        is_own = token.account in {None, account}
        reach = token.tenant.reach.get(token.client.client_id) if token.account is None else None
        if not is_own or account.tenant is not token.tenant:
            raise refusals.access_denied()
        if reach is not None and account.address not in reach:
            raise refusals.access_denied()
        return account, account.mailbox.folders.get(folder).id if folder else ""

    def _url(self, url: str) -> str:
        parts = urllib.parse.urlsplit(url)
        is_plain = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if (
            url
            and parts.scheme != "https"
            and not (is_plain and self._world.settings.takes_plain_urls)
        ):
            raise _invalid("The notification URL must begin with https://.")
        return url

    def _end(self, body: dict[str, object]) -> datetime:
        settings = self._world.settings
        try:
            wanted = datetime.fromisoformat(str(body.get("expirationDateTime")))
        except ValueError:
            raise _invalid("expirationDateTime is no DateTimeOffset.") from None
        wanted = wanted.replace(tzinfo=wanted.tzinfo or UTC).astimezone(UTC)
        now = self._world.clock.now()
        if wanted <= now:
            raise _invalid("Subscription expiration must be in the future.")
        if wanted > now + settings.subscription_lasts_most:
            minutes = int(settings.subscription_lasts_most.total_seconds() // 60)
            raise _invalid(f"Subscription expiration can only be {minutes} minutes in the future.")
        return max(wanted, now + settings.subscription_lasts_least)

    def _shake_hands(self, url: str) -> None:
        token = (
            "Validation: Testing client application reachability for subscription Request-Id: "
            f"{uuid.uuid4()}"
        )
        joint = "&" if "?" in url else "?"
        asked = f"{url}{joint}validationToken={urllib.parse.quote_plus(token)}"
        headers = {"content-type": "text/plain; charset=utf-8"}
        reply = exchange(asked, b"", headers, self._world.endpoint_ca_file, HANDSHAKE)
        kind = reply.content_type.partition(";")[0].strip().lower()
        if reply.status == 0:
            raise Refusal(400, "ValidationError", "Subscription validation request timed out.")
        if (reply.status, kind, reply.body.decode("utf-8", "replace")) != (
            *(200, "text/plain", token),
        ):
            message = (
                "Subscription validation request failed. Notification endpoint must respond with "
                "200 OK to validation request."
            )
            raise Refusal(400, "ValidationError", message)

    def _body(self) -> dict[str, object]:
        try:
            read = self._call.json()
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise bad_request("Unable to read JSON request payload.")
        return read

    def _context(self, end: str) -> str:
        return f"{self._world.url}/v1.0/$metadata#subscriptions{end}"


def _is(subscription: Subscription, token: AccessToken) -> bool:
    """Say whether a token may see and change a subscription."""
    creator = token.account.oid if token.account else token.client.client_id
    return subscription.client is token.client and subscription.creator == creator


def _invalid(message: str) -> Refusal:
    return Refusal(400, "InvalidRequest", message)
