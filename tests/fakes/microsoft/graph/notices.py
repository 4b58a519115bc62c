"""Notices of changes and of subscriptions' lives, sent until they are acknowledged.

See learn.microsoft.com/graph/change-notifications-delivery-webhooks and -lifecycle-events. They are
not signed: only `clientState` says that they come from who was asked to send them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

import orjson

from tests.fakes.common.deliveries import Deliveries, Delivery
from tests.fakes.common.poster import exchange
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.counters import Notice
from tests.fakes.microsoft.graph.journal import Change, Event
from tests.fakes.microsoft.graph.subscriptions import Subscription
from tests.fakes.microsoft.world import World

WAITS = timedelta(seconds=3)
"""An endpoint that takes longer has not answered."""
ACKNOWLEDGED = range(200, 300)


class Lifecycle(StrEnum):
    """What can befall a subscription."""

    REAUTHORIZE = "reauthorizationRequired"
    REMOVED = "subscriptionRemoved"
    MISSED = "missed"


class Forgery(StrEnum):
    """What is wrong with a notice."""

    CLIENT_STATE = "client_state"
    """Another secret."""
    WITHOUT_STATE = "without_state"
    SUBSCRIPTION = "subscription"
    """The id of a subscription that never was."""
    TENANT = "tenant"


class Notifier:
    """Tells subscriptions of the changes of mailboxes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._deliveries = Deliveries("microsoft-notices", world.lock)
        self.start = self._deliveries.start
        self.close = self._deliveries.close
        self.idle = self._deliveries.idle

    def changed(self, account: Account, event: Event) -> None:
        """Tell of a change whom it concerns; the caller holds the lock."""
        for subscription in self._world.subscriptions.of(account):
            if subscription.tells(event) and not subscription.is_paused:
                body = change_notice(subscription, event.change, _id(subscription, event))
                self._put(subscription, subscription.url, event.change, [body])

    def befell(self, subscription: Subscription, what: Lifecycle) -> None:
        """Tell what befell a subscription, if it wants to know; the caller holds the lock."""
        if subscription.lifecycle_url:
            self._put(subscription, subscription.lifecycle_url, what, [life(subscription, what)])

    def _put(
        self,
        subscription: Subscription,
        url: str,
        kind: str,
        notices: list[dict[str, object]],
    ) -> None:
        settings = self._world.settings
        self._deliveries.put(
            Delivery(
                lambda: send(self._world, url, subscription.id, kind, notices) in ACKNOWLEDGED,
                settings.notice_attempts,
                settings.notice_backoff,
            )
        )


def _id(subscription: Subscription, event: Event) -> str:
    return event.message if subscription.is_immutable else event.rest_id


def change_notice(subscription: Subscription, change: Change, message_id: str) -> dict[str, object]:
    """Return a notice of a change."""
    account = subscription.account
    path = f"Users/{account.oid}/Messages/{message_id}"
    return {
        **_common(subscription),
        "changeType": str(change),
        "resource": path,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": path,
            "@odata.etag": 'W/"CQAAABYAAAC"',
            "id": message_id,
        },
    }


def life(subscription: Subscription, what: Lifecycle) -> dict[str, object]:
    """Return a notice of what befell a subscription; it names no resource."""
    return {**_common(subscription), "lifecycleEvent": str(what)}


def _common(subscription: Subscription) -> dict[str, object]:
    return {
        "subscriptionId": subscription.id,
        "subscriptionExpirationDateTime": subscription.expires_at.isoformat(),
        "tenantId": subscription.account.tid,
        "clientState": subscription.client_state,
    }


def forged(notice: Mapping[str, object], forgery: Forgery | None) -> dict[str, object]:
    """Return a notice that is wrong in one point."""
    match forgery:
        case Forgery.CLIENT_STATE:
            return {**notice, "clientState": "somebody-elses"}
        case Forgery.WITHOUT_STATE:
            return {name: value for name, value in notice.items() if name != "clientState"}
        case Forgery.SUBSCRIPTION:
            return {**notice, "subscriptionId": str(uuid.uuid4())}
        case Forgery.TENANT:
            return {**notice, "tenantId": str(uuid.uuid4())}
        case None:
            return dict(notice)


def send(
    world: World,
    url: str,
    subscription_id: str,
    kind: str,
    notices: list[dict[str, object]],
) -> int:
    """Send notices together, note and return the status that they met."""
    body = orjson.dumps({"value": notices})
    headers = {"content-type": "application/json; charset=utf-8"}
    status = exchange(url, body, headers, world.endpoint_ca_file, WAITS).status
    with world.lock:
        world.counters.notices += [Notice(kind, subscription_id, status) for _ in notices]
    return status
