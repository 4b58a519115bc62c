"""Subscriptions: who is told of which changes, where, until when."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes.common.clock import Clock
from tests.fakes.common.people import Client
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.graph.journal import Change, Event

_RESOURCE = re.compile(
    r"/?(?:me|users/(?P<user>[^/]+))(?:/mailFolders(?:/|\(')(?P<folder>[^/']+)(?:'\))?)?/messages",
    re.IGNORECASE,
)


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription; its secrets are the program's."""

    client: Client
    creator: str
    """The `oid` of who signed in, or the app's id."""
    account: Account
    """Whose mailbox it is about."""
    resource: str
    folder: str
    """A folder's id; '' for the whole mailbox."""
    changes: frozenset[Change]
    url: str
    lifecycle_url: str
    client_state: str | None
    is_immutable: bool
    """Whether it was made with the preference for immutable ids."""
    expires_at: datetime
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    is_paused: bool = False
    """Whether nothing is told until it is authorized again."""

    def tells(self, event: Event) -> bool:
        """Say whether a change is one that was asked for."""
        return event.change in self.changes and self.folder in {"", event.folder}

    def described(self) -> dict[str, object]:
        """Return it as Graph shows it."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.client.client_id,
            "changeType": ",".join(sorted(self.changes)),
            # Nobody is shown the secret again (resources/subscription).
            "clientState": None,
            "notificationUrl": self.url,
            "lifecycleNotificationUrl": self.lifecycle_url or None,
            "expirationDateTime": f"{self.expires_at:%Y-%m-%dT%H:%M:%S.%fZ}",
            "creatorId": self.creator,
            "includeResourceData": None,
            "latestSupportedTlsVersion": "v1_2",
            "encryptionCertificate": None,
            "encryptionCertificateId": None,
            "notificationQueryOptions": None,
            "notificationUrlAppId": None,
        }


class Subscriptions:
    """All subscriptions, and those that are over, of which late notices may come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: dict[str, Subscription] = {}
        self.former: dict[str, Subscription] = {}

    def __iter__(self) -> Iterator[Subscription]:
        now = self._clock.now()
        for each in list(self._all.values()):
            if each.expires_at <= now:
                self.remove(each)
            else:
                yield each

    def of(self, account: Account) -> list[Subscription]:
        """Return the subscriptions of a mailbox, oldest first."""
        return [each for each in self if each.account is account]

    def add(self, subscription: Subscription) -> None:
        """Begin to tell."""
        self._all[subscription.id] = subscription

    def find(self, subscription_id: str) -> Subscription | None:
        """Return a subscription that lasts."""
        return next((each for each in self if each.id == subscription_id), None)

    def remove(self, subscription: Subscription) -> None:
        """Tell no more."""
        self.former[subscription.id] = self._all.pop(subscription.id)


def read_resource(text: str) -> tuple[str | None, str | None] | None:
    """Return the user and the folder that a resource names; nothing for another resource."""
    match = _RESOURCE.fullmatch(text.strip())
    return (match["user"], match["folder"]) if match else None
