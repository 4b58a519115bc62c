"""A hand on one account's subscriptions: what is told of them, true, late or forged."""

from __future__ import annotations

import time
from datetime import timedelta

from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.graph.journal import Change
from tests.fakes.microsoft.graph.notices import (
    Forgery,
    Lifecycle,
    Notifier,
    change_notice,
    forged,
    life,
    send,
)
from tests.fakes.microsoft.graph.subscriptions import Subscription
from tests.fakes.microsoft.member import Member
from tests.fakes.microsoft.world import World


class Subscriber(Member):
    """An account with subscriptions; may be used from any thread."""

    def __init__(self, world: World, account: Account, notifier: Notifier) -> None:
        super().__init__(world, account)
        self._notifier = notifier

    def subscriptions(self) -> list[dict[str, object]]:
        """Return the subscriptions to this mailbox, oldest first, secrets included."""
        with self._world.lock:
            return [
                {**each.described(), "clientState": each.client_state, "isPaused": each.is_paused}
                for each in self._world.subscriptions.of(self._account)
            ]

    def notify(
        self,
        change: Change = Change.CREATED,
        message_id: str | None = None,
        subscription: str | None = None,
        forgery: Forgery | None = None,
        copies: int = 1,
        after: timedelta = timedelta(),
    ) -> list[int]:
        """Send a notice now, true or forged, so many times; return the statuses it met.

        `subscription` may be one that is over, so that its notice comes late; without an id the
        notice is about the newest message.
        """
        with self._world.lock:
            found = self._subscription(subscription)
            newest = found.account.mailbox.newest_first()
            known = message_id or (newest[0].id if newest else "AAkA")
            notice = forged(change_notice(found, change, known), forgery)
        time.sleep(after.total_seconds())
        return [send(self._world, found.url, found.id, change, [notice]) for _ in range(copies)]

    def demand_reauthorization(self, *, pauses: bool = False) -> None:
        """Demand that every subscription be authorized again; until then tell nothing more."""
        with self._world.lock:
            for each in self._world.subscriptions.of(self._account):
                each.is_paused = pauses
                self._notifier.befell(each, Lifecycle.REAUTHORIZE)

    def remove_subscriptions(self, *, tells: bool = True) -> None:
        """Remove every subscription, and tell so or not."""
        with self._world.lock:
            for each in self._world.subscriptions.of(self._account):
                self._world.subscriptions.remove(each)
                if tells:
                    self._notifier.befell(each, Lifecycle.REMOVED)

    def miss(self) -> None:
        """Tell every subscription that notices were lost."""
        with self._world.lock:
            for each in self._world.subscriptions.of(self._account):
                self._notifier.befell(each, Lifecycle.MISSED)

    def tell_of_life(
        self, what: Lifecycle, subscription: str | None = None, forgery: Forgery | None = None
    ) -> int:
        """Send a lifecycle notice now, true or forged; return the status it met."""
        with self._world.lock:
            found = self._subscription(subscription)
            notice = forged(life(found, what), forgery)
        return send(self._world, found.lifecycle_url, found.id, what, [notice])

    def _subscription(self, name: str | None) -> Subscription:
        subscriptions = self._world.subscriptions
        if name is None:
            held = subscriptions.of(self._account)
            assert held, f"{self.address} has no subscription"
            return held[-1]
        found = subscriptions.find(name) or subscriptions.former.get(name)
        assert found is not None, f"there is no subscription {name}"
        return found
