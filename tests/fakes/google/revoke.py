"""The revocation endpoint: one token takes the whole grant."""

from __future__ import annotations

from tests.fakes.common.wire import Answer, Call, json_answer
from tests.fakes.google.token_errors import Denied
from tests.fakes.google.world import World


def answer(world: World, call: Call) -> Answer:
    """Answer `POST /revoke` (developers.google.com/identity/protocols/oauth2/web-server)."""
    text = call.form().get("token") or call.parameter("token")
    if not text:
        return Denied("invalid_request", "Bad Request: missing token").answer()
    grant = world.grants.grant_of(text)
    if grant is None:
        return Denied("invalid_token", "Token expired or revoked").answer()
    world.grants.revoke(grant)
    return json_answer({})
