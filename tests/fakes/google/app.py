"""Carries HTTP to the parts of the stand-in and back, with the breakages that were ordered."""

from __future__ import annotations

import asyncio
import gzip
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from tests.fakes.common import wire
from tests.fakes.common.faults import ON_THE_LINE, Fault
from tests.fakes.common.lines import cut
from tests.fakes.common.wire import Answer, Breakage, Call
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
from tests.fakes.google.counters import Refused
from tests.fakes.google.token_errors import ON_DEMAND, Denied
from tests.fakes.google.world import World

Handler = Callable[[World, Call], Answer]

_GZIP_FROM_BYTES = 500
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


class App:
    """The ASGI application; `control` answers what begins with `/control`."""

    def __init__(self, world: World, control: Callable[[Call], Answer]) -> None:
        self._world = world
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        try:
            call = await _call_of(Request(scope, receive))
        except ClientDisconnect:
            return
        if call.path.startswith("/control"):
            # It may wait for pushes to be sent, and others must be served meanwhile.
            answer = await asyncio.to_thread(self._control, call)
            await _write(answer, call, send)
            return
        with self._world.lock:
            self._world.counters.enter()
        try:
            if _sends(call):
                answer = await asyncio.to_thread(self._answer, call)
            else:
                answer = self._answer(call)
            await asyncio.sleep(answer.delay.total_seconds())
            if answer.breakage is Breakage.DROPPED:
                cut(scope["client"])
            await _deliver(answer, call, receive, send)
        finally:
            with self._world.lock:
                self._world.counters.leave()

    def _answer(self, call: Call) -> Answer:
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

    def _suffering(self, name: str, handler: Handler, call: Call) -> Answer:
        world = self._world
        delay = world.faults.delay_of(name)
        fault = world.faults.strike(name, _address_of(world, call))
        if fault is not None and fault.what not in ON_THE_LINE:
            answer = _refusal(world, fault, is_oauth=name.startswith("oauth."))
        else:
            answer = handler(world, call)
        if answer.reason:
            world.counters.refused.append(Refused(name, "", answer.status, answer.reason))
        breakage = Breakage(fault.what) if fault and fault.what in ON_THE_LINE else None
        return replace(answer, delay=delay, breakage=breakage)


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


def _sends(call: Call) -> bool:
    """Say whether answering sends something out, which must not hold up the others."""
    return call.path == "/v1beta/stream:verify"


async def _call_of(request: Request) -> Call:
    raw_path: bytes = request.scope["raw_path"]
    query = urllib.parse.parse_qsl(request.url.query, keep_blank_values=True)
    return Call(
        request.method,
        raw_path.partition(b"?")[0].decode("latin-1"),
        tuple(query),
        {name.lower(): value for name, value in request.headers.items()},
        await request.body(),
    )


async def _deliver(answer: Answer, call: Call, receive: Receive, send: Send) -> None:
    match answer.breakage:
        case None:
            await _write(answer, call, send)
        case Breakage.HANGING | Breakage.DROPPED:
            while (await receive())["type"] != "http.disconnect":
                pass
        case Breakage.TRUNCATED:
            await _write(answer, call, send, keeps=len(answer.body) // 2)


async def _write(answer: Answer, call: Call, send: Send, keeps: int | None = None) -> None:
    body = answer.body
    headers = dict(answer.headers)
    if len(body) >= _GZIP_FROM_BYTES and _wants_gzip(call):
        body = gzip.compress(body, 1)
        headers["content-encoding"] = "gzip"
        headers["vary"] = "Accept-Encoding"
    if answer.status != 204:
        headers["content-length"] = str(len(body))
    head = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    if keeps is None:
        await send({"type": "http.response.body", "body": body})
    else:
        await send({"type": "http.response.body", "body": body[:keeps], "more_body": True})


def _wants_gzip(call: Call) -> bool:
    # Google asks for both (developers.google.com/workspace/gmail/api/guides/performance).
    return "gzip" in call.headers.get("accept-encoding", "") and "gzip" in call.headers.get(
        "user-agent", ""
    )
