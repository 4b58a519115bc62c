"""Which part of the stand-in answers what, and what goes wrong there on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.fakes.common import wire
from tests.fakes.common.faults import Fault
from tests.fakes.common.suffering import suffering
from tests.fakes.common.wire import Answer, Call
from tests.fakes.google import (
    api,
    batch,
    consent,
    errors,
    identity,
    revoke,
    risc,
    token,
)
from tests.fakes.google.token_errors import ON_DEMAND, Denied
from tests.fakes.google.world import World

Handler = Callable[[World, Call], Answer]

_OAUTH_NAMES = {403: "rate_limit_exceeded", 429: "rate_limit_exceeded", 503: "backend_error"}


def _plain(answer: Callable[[World], Answer]) -> Handler:
    return lambda world, _: answer(world)


ROUTES: Mapping[tuple[str, str], tuple[str, Handler]] = {
    ("GET", "/o/oauth2/v2/auth"): ("oauth.auth", consent.authorize),
    ("POST", "/signin/oauth/consent"): ("oauth.consent", consent.decide),
    ("POST", "/token"): ("oauth.token", token.answer),
    ("POST", "/oauth2/v4/token"): ("oauth.token", token.answer),
    ("POST", "/revoke"): ("oauth.revoke", revoke.answer),
    ("POST", "/o/oauth2/revoke"): ("oauth.revoke", revoke.answer),
    ("GET", "/oauth2/v3/certs"): ("oauth.certs", _plain(identity.key_set)),
    ("GET", "/oauth2/v1/certs"): ("oauth.certs", _plain(identity.certificates)),
    ("GET", "/oauth2/v3/userinfo"): ("oauth.userinfo", identity.userinfo),
    ("POST", "/oauth2/v3/userinfo"): ("oauth.userinfo", identity.userinfo),
    ("GET", "/v1/userinfo"): ("oauth.userinfo", identity.userinfo),
    ("GET", "/.well-known/openid-configuration"): (
        *("oauth.configuration", _plain(identity.configuration)),
    ),
    ("GET", "/.well-known/risc-configuration"): (
        *("risc.configuration", _plain(risc.configuration)),
    ),
}
"""Where the rest is answered; the names are what faults and delays are ordered by."""


class Routes:
    """Everything that Google answers."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, call: Call) -> Answer:
        """Return the answer to a call."""
        if call.path.startswith("/gmail/"):
            return api.answer(self._world, call)
        if call.verb == "POST" and call.path in {"/batch", "/batch/gmail/v1"}:
            return batch.answer(self._world, call)
        if call.path.startswith("/v1beta/stream"):
            return risc.manage(self._world, call)
        route = ROUTES.get((call.verb, call.path))
        if route is None:
            return wire.not_found()
        name, handler = route
        with self._world.lock:
            return self._suffering(name, handler, call)

    def sends(self, call: Call) -> bool:
        """Say whether answering sends something out."""
        return call.path == "/v1beta/stream:verify"

    def wants_gzip(self, call: Call) -> bool:
        """Say whether both headers ask for it.

        See developers.google.com/workspace/gmail/api/guides/performance.
        """
        return "gzip" in call.headers.get("accept-encoding", "") and "gzip" in call.headers.get(
            "user-agent", ""
        )

    def _suffering(self, name: str, handler: Handler, call: Call) -> Answer:
        world = self._world
        return suffering(
            *(world.faults, world.counters, name, _address_of(world, call)),
            lambda: handler(world, call),
            lambda fault: _refusal(world, fault, is_oauth=name.startswith("oauth.")),
        )


def _refusal(world: World, fault: Fault, *, is_oauth: bool) -> Answer:
    if fault.what in ON_DEMAND:
        return ON_DEMAND[fault.what].answer()
    refusal = errors.named(fault.what, world.clock.now(), fault.retry_after)
    if is_oauth:
        denied = Denied(_OAUTH_NAMES.get(refusal.status, "internal_failure"), refusal.message)
        answer = denied.answer()
        headers = {**answer.headers, **refusal.headers}
        return replace(answer, status=refusal.status, headers=headers)
    return refusal.answer()


def _address_of(world: World, call: Call) -> str | None:
    """Return whose token is refreshed or revoked, so that a fault may hit one user only."""
    form = call.form()
    grant = world.grants.grant_of(form.get("refresh_token") or form.get("token") or "")
    return grant.account.address if grant else None
