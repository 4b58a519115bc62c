"""The token of a call, checked for itself: known, alive, and for Graph."""

from __future__ import annotations

from tests.fakes.common.wire import Call
from tests.fakes.microsoft.entra.grants import AccessToken
from tests.fakes.microsoft.entra.scopes import GRAPH
from tests.fakes.microsoft.graph import refusals
from tests.fakes.microsoft.graph.refusals import Refusal
from tests.fakes.microsoft.world import World


def bearer(world: World, call: Call) -> AccessToken:
    """Return the token that came along.

    Raises:
        Refusal: None came, or one that is unknown, over, or for another resource.
    """
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise refusals.empty_token()
    token = world.grants.access_token(text.strip())
    if token is None:
        raise refusals.invalid_token()
    if token.expires_at <= world.clock.now():
        raise refusals.expired_token()
    if token.resource != GRAPH:
        message = "Access token validation failure. Invalid audience."
        raise Refusal(401, "InvalidAuthenticationToken", message)
    return token
