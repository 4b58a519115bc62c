"""A mailbox at the stand-in for Google, for the contract suite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from connectors.base import FolderRole, MessageRef
from connectors.egress import Egress
from connectors.gmail.account import GmailAccount, GmailLimits
from connectors.gmail.connector import GmailConnector
from tests.contract.stand import PAGE
from tests.fakes.google import TOPIC, Google

READING = frozenset(
    f"gmail.users.{name}"
    for name in ("getProfile", "labels.list", "messages.list", "messages.get", "history.list")
)
BELL = frozenset(f"gmail.users.{name}" for name in ("watch", "stop"))
"""Calls about our own push notifications, not about mail."""
SYSTEM = {"Sent": "SENT", "Drafts": "DRAFT", "Trash": "TRASH", "Junk": "SPAM"}

_users = count(1)


class GmailStand:
    """A new account, read through the real client library over HTTP."""

    has_object_ids = True
    ids_outlive_renumbering = True
    finds_reply_to = False
    shares_our_memory = True
    roles = frozenset(
        {
            FolderRole.INBOX,
            FolderRole.SENT,
            FolderRole.DRAFTS,
            FolderRole.TRASH,
            FolderRole.JUNK,
            FolderRole.ALL,
        }
    )

    def __init__(self, google: Google) -> None:
        self.google = google
        self.person = google.add_account(f"user{next(_users)}@gmail.com")
        self.person.create_label("Archive")
        google.set_quota(units_per_minute=10**9)
        self._open: list[GmailConnector] = []
        self._last = datetime.now(UTC)

    def connector(self) -> GmailConnector:
        token = self.person.grant()["access_token"]
        account = GmailAccount(token, self.google.url, TOPIC)
        limits = GmailLimits(page=PAGE, batch=5, index_lag=timedelta(0))
        egress = Egress([self.google.url.removeprefix("http://")], ports=())
        connector = GmailConnector(account, egress, limits)
        self._open.append(connector)
        return connector

    def create(self, folder: str) -> None:
        self.person.create_label(folder)

    def deliver(
        self, mails: Iterable[bytes], folder: str = "INBOX", at: datetime | None = None
    ) -> None:
        for mail in mails:
            # Gmail knows the order of what came within a millisecond no better than we.
            self._last = max(datetime.now(UTC), self._last + timedelta(milliseconds=1))
            self.person.deliver(mail, [SYSTEM.get(folder, folder)], at or self._last)

    def delete(self, refs: Sequence[MessageRef]) -> None:
        for ref in refs:
            self.person.delete(ref.id)

    def move(self, refs: Sequence[MessageRef], target: str) -> None:
        for ref in refs:
            self.person.label(ref.id, [SYSTEM.get(target, target)])
            self.person.unlabel(ref.id, [ref.folder])

    def renumber(self, folder: str) -> None:
        self.person.expire_history()

    def state(self) -> object:
        return self.person.messages()

    def writes(self) -> list[str]:
        return sorted(set(self.person.counters().calls) - READING - BELL)

    def close(self) -> None:
        for connector in self._open:
            connector.close()
