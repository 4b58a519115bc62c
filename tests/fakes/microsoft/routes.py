"""Which part of the stand-in answers what, and what goes wrong there on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tests.fakes.common import wire
from tests.fakes.common.faults import Fault
from tests.fakes.common.suffering import suffering
from tests.fakes.common.wire import Answer, Call
from tests.fakes.microsoft.entra import admin, consent, metadata, token
from tests.fakes.microsoft.entra.refusals import ON_DEMAND, Denied
from tests.fakes.microsoft.graph import api, batch, refusals, subscribing
from tests.fakes.microsoft.world import World

Handler = Callable[[World, Call, str], Answer]

ENTRA: Mapping[tuple[str, str], tuple[str, Handler]] = {
    ("GET", "v2.0/.well-known/openid-configuration"): (
        *("entra.configuration", metadata.configuration),
    ),
    ("GET", "discovery/v2.0/keys"): ("entra.keys", metadata.key_set),
    ("GET", "oauth2/v2.0/authorize"): ("entra.authorize", consent.authorize),
    ("POST", "Consent/Set"): ("entra.consent", consent.decide),
    ("POST", "oauth2/v2.0/token"): ("entra.token", token.answer),
    ("GET", "adminconsent"): ("entra.adminconsent", admin.consent),
    ("GET", "v2.0/adminconsent"): ("entra.adminconsent", admin.consent),
    ("POST", "adminconsent"): ("entra.adminconsent", admin.decide),
}
"""What is answered below a tenant's name; the names are what faults and delays are ordered by."""


class Routes:
    """Everything that Microsoft answers."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, call: Call) -> Answer:
        """Return the answer to a call."""
        if call.path.startswith("/v1.0/"):
            return self._graph(call)
        if call.path.casefold() == "/common/discovery/instance":
            with self._world.lock:
                return self._suffering("entra.discovery", _discovery, call, "common")
        tenant, _, rest = call.path.lstrip("/").partition("/")
        route = ENTRA.get((call.verb, rest))
        if route is None:
            return wire.not_found()
        with self._world.lock:
            return self._suffering(*route, call, tenant)

    def sends(self, call: Call) -> bool:
        """Say whether answering sends something out."""
        return call.path.startswith(("/v1.0/subscriptions", "/v1.0/$batch", "/v1.0/%24batch"))

    def wants_gzip(self, call: Call) -> bool:
        """Say whether the answer is compressed."""
        return "gzip" in call.headers.get("accept-encoding", "")

    def _graph(self, call: Call) -> Answer:
        if call.path.startswith("/v1.0/subscriptions"):
            return subscribing.answer(self._world, call)
        if call.path in {"/v1.0/$batch", "/v1.0/%24batch"} and call.verb == "POST":
            if call.in_batch:
                return refusals.bad_request("A batch in a batch.").answer(self._world.clock.now())
            return batch.answer(self._world, call, self._graph)
        return api.answer(self._world, call)

    def _suffering(self, name: str, handler: Handler, call: Call, tenant: str) -> Answer:
        world = self._world
        world.counters.calls[name] += 1
        return suffering(
            *(world.faults, world.counters, name, _address_of(world, call)),
            lambda: handler(world, call, tenant),
            lambda fault: _refusal(world, fault),
        )


def _discovery(world: World, call: Call, _: str) -> Answer:
    return metadata.discovery(world, call)


def _refusal(world: World, fault: Fault) -> Answer:
    now = world.clock.now()
    if fault.what in ON_DEMAND:
        return ON_DEMAND[fault.what].answer(now)
    refusal = refusals.ordered(fault)
    denied = Denied(90033, "temporarily_unavailable", refusal.message, refusal.status)
    answer = denied.answer(now)
    return replace(answer, headers={**answer.headers, **refusal.headers})


def _address_of(world: World, call: Call) -> str | None:
    """Return whose token is refreshed, so that a fault may hit one user only."""
    grant = world.grants.grant_of(call.form().get("refresh_token") or "")
    return grant.account.address if grant else None
