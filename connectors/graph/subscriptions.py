"""Graph's notifications of a mailbox: begun at a bell, made longer, and ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.base import Bell, Revocation, Watch
from connectors.errors import ConnectorError, MessageGone, Misbehaved
from connectors.graph.api import GraphApi
from connectors.graph.records import Json, moment, written
from connectors.oauth.errors import NoMailbox

LIFE = timedelta(minutes=10_080 - 10)
"""How long one lasts, a little less than is allowed (Graph, subscription resource)."""
KINDS = "created,deleted"
"""Whether a mail was read is no news."""
NAME = "push notifications"
GONE = (MessageGone, NoMailbox)
"""Of a subscription that isn't there Graph says ResourceNotFound, as of a mailbox."""


def watch(api: GraphApi, new_bell: Callable[[], Bell], held: str) -> Watch:
    """Make a subscription longer, which also renews its authorization, or begin a new one."""
    if held:
        try:
            return promised(api.write("PATCH", path_of(held), {"expirationDateTime": end()}))
        except GONE:
            pass
    bell = new_bell()
    asked = {
        "changeType": KINDS,
        "resource": f"{api.root}/messages",
        "notificationUrl": bell.url,
        # It can be set now or never.
        "lifecycleNotificationUrl": bell.lifecycle_url,
        "clientState": bell.secret,
        "expirationDateTime": end(),
    }
    return promised(api.write("POST", "/subscriptions", asked))


def revoke(api: GraphApi, held: Sequence[str]) -> Revocation:
    """End subscriptions; one that is gone already has ended."""
    failed: tuple[str, ...] = ()
    for id_ in held:
        try:
            api.write("DELETE", path_of(id_))
        except GONE:
            continue
        except ConnectorError as error:
            failed = (f"{NAME}: {error.code}",)
    return Revocation(ended=(NAME,) if held and not failed else (), failed=failed)


def promised(answer: Json) -> Watch:
    """Return what an answer promises; it is renewed at half of its life.

    Raises:
        Misbehaved: Nothing that can be held on to.
    """
    try:
        until, id_ = moment(answer["expirationDateTime"]), answer["id"]
    except (KeyError, TypeError, ValueError):
        raise Misbehaved("a subscription without id or end") from None
    now = datetime.now(UTC)
    return Watch(until, now + (until - now) / 2, id_)


def end() -> str:
    """Return until when a subscription is asked for."""
    return written(datetime.now(UTC) + LIFE)


def path_of(id_: str) -> str:
    """Return the path of a subscription."""
    return f"/subscriptions/{id_}"
