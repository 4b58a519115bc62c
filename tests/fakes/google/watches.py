"""Who is to be told of changes: one watch per user, which ends after seven days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.common.clock import Clock
from tests.fakes.common.keeping import Listener
from tests.fakes.google.accounts import Account
from tests.fakes.google.errors import Refusal, bad_request, forbidden, invalid_argument
from tests.fakes.google.history import Record
from tests.fakes.google.settings import Settings

LASTS = timedelta(days=7)
_KNOWN = {"topicName", "labelIds", "labelFilterAction", "labelFilterBehavior"}


@dataclass(frozen=True, slots=True)
class Watch:
    """A user's watch."""

    topic: str
    labels: frozenset[str]
    """Empty: every change."""
    excludes: bool
    """Whether the labels name what is not told."""
    expires_at: datetime

    def tells(self, record: Record) -> bool:
        """Say whether a change is one that was asked for."""
        if not self.labels:
            return True
        concerned = any(record.concerns(label) for label in self.labels)
        return concerned is not self.excludes


class Watches:
    """All watches, by user."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_sub: dict[str, Watch] = {}
        self.on_start: Listener[Account] = Listener()

    def of(self, account: Account) -> Watch | None:
        """Return a user's watch while it lasts."""
        watch = self._by_sub.get(account.sub)
        return watch if watch and watch.expires_at > self._clock.now() else None

    def start(self, account: Account, body: dict[str, object], settings: Settings) -> datetime:
        """Begin or renew a user's watch and return its end.

        Raises:
            Refusal: The topic is not one of this project, or there is a watch for another topic.
        """
        if strange := sorted(set(body) - _KNOWN):
            raise bad_request(
                f'Invalid JSON payload received. Unknown name "{strange[0]}": Cannot find field.'
            )
        topic = body.get("topicName")
        _check_topic(topic, settings)
        assert isinstance(topic, str)
        running = self.of(account)
        if running and running.topic != topic:
            raise bad_request(
                "Only one user push notification client allowed per developer "
                "(call /stop then try again)"
            )
        watch = Watch(topic, _labels(account, body), _excludes(body), self._clock.now() + LASTS)
        self._by_sub[account.sub] = watch
        return watch.expires_at

    def stop(self, account: Account) -> None:
        """End a user's watch."""
        self._by_sub.pop(account.sub, None)


def _check_topic(topic: object, settings: Settings) -> None:
    if not topic:
        raise invalid_argument("topicName required")
    wanted = f"projects/{settings.project}/topics/"
    if not isinstance(topic, str) or not re.fullmatch(re.escape(wanted) + r"[\w.~+%-]+", topic):
        raise invalid_argument(f"Invalid topicName does not match {wanted}*")
    if settings.topics is not None and topic not in settings.topics:
        message = (
            f"Error sending test message to Cloud PubSub {topic} : "
            "User not authorized to perform this action."
        )
        raise forbidden(message)


def _labels(account: Account, body: dict[str, object]) -> frozenset[str]:
    labels = body.get("labelIds") or []
    if not isinstance(labels, list):
        raise invalid_argument("Invalid value at 'label_ids'")
    for label in labels:
        if label not in account.mailbox.labels:
            raise invalid_argument(f"Invalid label: {label}")
    return frozenset(labels)


def _excludes(body: dict[str, object]) -> bool:
    behaviour = body.get("labelFilterBehavior") or body.get("labelFilterAction") or "include"
    if not isinstance(behaviour, str) or behaviour.lower() not in {"include", "exclude"}:
        raise _invalid_behaviour(behaviour)
    return behaviour.lower() == "exclude"


def _invalid_behaviour(value: object) -> Refusal:
    return invalid_argument(f"Invalid value at 'label_filter_behavior' (TYPE_ENUM), \"{value}\"")
