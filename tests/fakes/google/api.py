"""The Gmail API: lets a call in, counts it, has it answered, and refuses as Google does."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes.common import wire
from tests.fakes.common.counters import Refused
from tests.fakes.common.wire import Answer, Breakage, Call
from tests.fakes.google import discovery, errors, fields, parameters
from tests.fakes.google.accounts import Account
from tests.fakes.google.counters import Asked
from tests.fakes.google.discovery import Method
from tests.fakes.google.errors import Refusal
from tests.fakes.google.grants import AccessToken
from tests.fakes.google.methods import SERVED
from tests.fakes.google.request import Request
from tests.fakes.google.world import World

_BROADEST = "https://mail.google.com/"


def answer(world: World, call: Call) -> Answer:
    """Answer one call, alone or as a part of a batch."""
    call = call.as_meant()
    found = discovery.find(call.verb, call.path)
    if found is None:
        return wire.not_found()
    method, path = found
    with world.lock:
        return _Visit(world, call, method, path).answer()


class _Visit:
    """One call on its way through."""

    def __init__(self, world: World, call: Call, method: Method, path: dict[str, str]) -> None:
        self._world = world
        self._call = call
        self._method = method
        self._path = path
        self._address = ""
        self._breakage: Breakage | None = None

    def answer(self) -> Answer:
        pretty = self._call.parameter("prettyPrint") not in {"false", "0"}
        try:
            found = self._served()
        except Refusal as refusal:
            with_errors = self._call.parameter("$.xgafv") != "2"
            refused = refusal.answer(with_errors=with_errors, pretty=pretty)
            self._world.counters.refused.append(
                Refused(self._method.id, self._address, refusal.status, refusal.reason)
            )
        else:
            refused = wire.json_answer(found, pretty=pretty) if found else Answer(204)
        delay = self._world.faults.delay_of(self._method.id)
        return replace(refused, delay=delay, breakage=self._breakage)

    def _served(self) -> dict[str, object]:
        token = self._token()
        self._address = token.subject
        self._count()
        self._breakage = self._world.faults.suffer(
            self._method.id,
            self._address,
            lambda fault: errors.named(fault.what, self._world.clock.now(), fault.retry_after),
        )
        account = self._account(token)
        if not token.scopes & self._method.scopes:
            needed = " ".join(sorted(self._method.scopes - {_BROADEST}))
            raise errors.insufficient_scopes(self._method.id, needed)
        values = parameters.read(self._method, self._call.query)
        self._check_key(values)
        if self._method.id not in SERVED:
            raise errors.unserved(self._method.id)
        counters = self._world.counters.of(self._address)
        now = self._world.clock.now()
        units = self._world.quota.spend(account.sub, self._method.id, now)
        counters.units[self._method.id] += units
        request = Request(self._world, account, token, values, self._path, self._call)
        found = SERVED[self._method.id](request)
        return fields.select(found, values.text("fields"), self._method.response)

    def _token(self) -> AccessToken:
        scheme, _, text = self._call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            text = self._call.parameter("access_token") or self._call.parameter("oauth_token") or ""
        if not text.strip():
            raise errors.login_required()
        token = self._world.grants.access_token(text.strip())
        if token is None:
            raise errors.invalid_credentials()
        return token

    def _account(self, token: AccessToken) -> Account:
        account = token.account
        if account is None or account.is_disabled:
            # A service account that names nobody has no mailbox.
            raise errors.NAMED["failedPrecondition"]
        user = self._path["userId"]
        if user != "me" and self._world.accounts.find(user) is not account:
            raise errors.forbidden(f"Delegation denied for {account.address}")
        return account

    def _count(self) -> None:
        counters = self._world.counters.of(self._address)
        counters.calls[self._method.id] += 1
        if self._method.id == "gmail.users.messages.get":
            shape = self._call.parameter("format") or "full"
            counters.messages.append(Asked(self._path["id"], shape.lower()))
        elif self._method.id == "gmail.users.messages.attachments.get":
            counters.attachments.append((self._path["messageId"], self._path["id"]))
        elif self._method.id == "gmail.users.messages.list":
            counters.queries.append(self._call.parameter("q") or "")

    def _check_key(self, values: parameters.Values) -> None:
        key = values.text("key")
        if key and key != self._world.settings.api_key:
            raise errors.bad_request(
                "API key not valid. Please pass a valid API key.", "badRequest"
            )
