"""A mailbox at the stand-in for Microsoft, for the contract suite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from connectors.base import FolderRole, MessageRef
from connectors.graph.account import GraphAccount, GraphLimits
from connectors.graph.connector import GraphConnector
from connectors.oauth.wire import Wire
from tests.contract.stand import PAGE
from tests.fakes.microsoft import Microsoft

READING = frozenset(
    f"graph.{name}"
    for name in (
        "batch",
        "mailFolders.get",
        "mailFolders.delta",
        "messages.list",
        "messages.get",
        "messages.value",
        "messages.delta",
        "messages.search",
    )
)
SYSTEM = {
    "INBOX": "inbox",
    "Sent": "sentitems",
    "Drafts": "drafts",
    "Trash": "deleteditems",
    "Junk": "junkemail",
    "Archive": "archive",
}

_users = count(1)


class GraphStand:
    """A new account, read over TLS."""

    has_object_ids = True
    ids_outlive_renumbering = True
    finds_reply_to = False
    shares_our_memory = True
    roles = frozenset(FolderRole) - {FolderRole.ALL, FolderRole.OTHER}

    def __init__(self, microsoft: Microsoft) -> None:
        self.microsoft = microsoft
        microsoft.settings.size_overhead_bytes = 0
        self.person = microsoft.add_account(f"user{next(_users)}@firm.example")
        self._wire = Wire([microsoft.url], str(microsoft.ca_file))
        self._open: list[GraphConnector] = []
        self._last = datetime.now(UTC)

    def connector(self) -> GraphConnector:
        token = self.person.grant()["access_token"]
        account = GraphAccount(token, self.microsoft.url)
        connector = GraphConnector(account, self._wire, GraphLimits(page=PAGE))
        self._open.append(connector)
        return connector

    def create(self, folder: str) -> None:
        self.person.create_folder(folder)

    def deliver(
        self, mails: Iterable[bytes], folder: str = "INBOX", at: datetime | None = None
    ) -> None:
        for mail in mails:
            # Graph tells the second in which a mail came, and no more.
            self._last = max(datetime.now(UTC), self._last + timedelta(seconds=1))
            self.person.deliver(mail, SYSTEM.get(folder, folder), at or self._last)

    def delete(self, refs: Sequence[MessageRef]) -> None:
        for ref in refs:
            self.person.delete(ref.id)

    def move(self, refs: Sequence[MessageRef], target: str) -> None:
        for ref in refs:
            self.person.move(ref.id, SYSTEM.get(target, target))

    def renumber(self, folder: str) -> None:
        self.person.expire_links(SYSTEM.get(folder, folder))

    def state(self) -> object:
        return self.person.messages(), self.person.folders()

    def writes(self) -> list[str]:
        return sorted(set(self.person.counters().calls) - READING)

    def close(self) -> None:
        for connector in self._open:
            connector.close()
        self._wire.close()
