"""Graph: lets a call in, counts it, has it answered, and refuses as Graph does."""

from __future__ import annotations

import urllib.parse
from dataclasses import replace

from tests.fakes.common.counters import Refused
from tests.fakes.common.wire import Answer, Breakage, Call
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.entra.grants import AccessToken
from tests.fakes.microsoft.entra.token import contains
from tests.fakes.microsoft.graph import methods, refusals
from tests.fakes.microsoft.graph.methods import Method
from tests.fakes.microsoft.graph.refusals import Refusal
from tests.fakes.microsoft.graph.request import Request, prefers_immutable
from tests.fakes.microsoft.graph.tokens import bearer
from tests.fakes.microsoft.world import World


def answer(world: World, call: Call) -> Answer:
    """Answer one call, alone or as a part of a batch; the caller need not hold the lock."""
    path = urllib.parse.unquote(call.path.removeprefix("/v1.0"))
    found = methods.find(call.verb, path)
    with world.lock:
        if found is None:
            message = f"Resource not found for the segment '{path.rpartition('/')[2]}'."
            return refusals.bad_request(message).answer(world.clock.now())
        return _Visit(world, call, *found).answer()


class _Visit:
    """One call on its way through."""

    def __init__(self, world: World, call: Call, method: Method, path: dict[str, str]) -> None:
        self._world = world
        self._call = call
        self._method = method
        self._path = path
        self._account: Account | None = None
        self._client_id = ""
        self._breakage: Breakage | None = None
        self._is_in = False

    def answer(self) -> Answer:
        try:
            found = self._served()
        except Refusal as refusal:
            asked_as = self._call.headers.get("client-request-id", "")
            found = refusal.answer(self._world.clock.now(), asked_as)
            address = self._account.address if self._account else ""
            self._world.counters.refused.append(
                Refused(self._method.name, address, refusal.status, refusal.code)
            )
        delay = self._world.faults.delay_of(self._method.name)
        return replace(found, delay=delay, breakage=self._breakage, after=self._leave)

    def _served(self) -> Answer:
        token = bearer(self._world, self._call)
        account = self._find(token)
        self._account, self._client_id = account, token.client.client_id
        self._count(account)
        self._enter(account)
        self._breakage = self._world.faults.suffer(
            self._method.name, account.address, refusals.ordered
        )
        self._challenge(account, token)
        self._permit(account, token)
        if self._method.handler is None:
            raise refusals.unserved(self._method.name)
        base = "me" if "user" not in self._path else f"users/{self._path['user']}"
        return self._method.handler(
            Request(self._world, account, token, self._path, self._call, base)
        )

    def _find(self, token: AccessToken) -> Account:
        named = self._path.get("user")
        if named is None:
            if token.account is None:
                message = "/me request is only valid with delegated authentication flow."
                raise refusals.bad_request(message)
            return token.account
        found = self._world.accounts.find(named)
        if found is None or found.tenant is not token.tenant:
            raise refusals.no_user(named)
        return found

    def _count(self, account: Account) -> None:
        counters = self._world.counters.of(account.address)
        counters.calls[self._method.name] += 1
        if self._method.is_mail and not prefers_immutable(self._call):
            counters.mutable[self._method.name] += 1
        counters.at_once += 1
        counters.most_at_once = max(counters.most_at_once, counters.at_once)

    def _enter(self, account: Account) -> None:
        self._is_in = True
        self._world.limits.enter((self._client_id, account.oid))

    def _leave(self) -> None:
        if self._is_in and self._account is not None:
            self._world.limits.leave((self._client_id, self._account.oid))
            self._world.counters.of(self._account.address).at_once -= 1

    def _challenge(self, account: Account, token: AccessToken) -> None:
        # Who doesn't declare to understand challenges gets none.
        if "cp1" not in token.claims:
            return
        for demanded in account.challenges:
            if not contains(token.claims, demanded):
                raise refusals.challenged(demanded, self._world.url, self._client_id)

    def _permit(self, account: Account, token: AccessToken) -> None:
        needed = self._method.permissions
        if account.is_disabled:
            raise refusals.NAMED["AccountSuspended"]
        if token.account is None:
            reach = token.tenant.reach.get(token.client.client_id)
            if reach is not None and account.address not in reach:
                raise refusals.access_denied()
            needed = needed | {f"{name}.All" for name in needed}
        elif token.account is not account:
            if token.account.oid not in account.delegates:
                raise refusals.access_denied()
            needed = frozenset(f"{name}.Shared" for name in needed)
        if needed and not token.scopes & needed:
            if self._method.name.startswith("graph.users"):
                raise refusals.NAMED["Authorization_RequestDenied"]
            raise refusals.access_denied()
