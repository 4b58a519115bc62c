"""A mailbox for the contract suite: its connector, and the hands that change it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import count
from typing import Protocol

from imapclient import imap_utf7

from connectors.base import Connector, Folder, FolderRole, MessageRef
from connectors.egress import Egress
from connectors.imap import FetchLimits, ImapAccount, ImapConnector, Password, Security
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot
from tests.servers.flaky import Flaky
from tests.servers.hands import PASSWORD

PAGE = 7
"""Messages on a page: small, so that few mails make many pages."""

_users = count(1)


class Stand(Protocol):
    """What a provider has to offer for its connector to be tested here."""

    @property
    def has_object_ids(self) -> bool:
        """Whether messages have ids that survive moves."""
        ...

    @property
    def ids_outlive_renumbering(self) -> bool:
        """Whether ids keep their meaning when a cursor expires."""
        ...

    @property
    def finds_reply_to(self) -> bool:
        """Whether a search looks into Reply-To."""
        ...

    @property
    def shares_our_memory(self) -> bool:
        """Whether the server runs in this process, so that its memory counts as ours."""
        ...

    @property
    def roles(self) -> Collection[FolderRole]:
        """The roles that one folder each has."""
        ...

    def connector(self) -> Connector:
        """Return a new connector to the mailbox, with small pages."""
        ...

    def create(self, folder: str) -> None:
        """Make a folder."""
        ...

    def deliver(
        self, mails: Iterable[bytes], folder: str = "INBOX", at: datetime | None = None
    ) -> None:
        """Let mails arrive, in order, now or as if at that time."""
        ...

    def delete(self, refs: Sequence[MessageRef]) -> None:
        """Remove messages for good; all in one folder."""
        ...

    def move(self, refs: Sequence[MessageRef], target: str) -> None:
        """Move messages, all of one folder, to another."""
        ...

    def renumber(self, folder: str) -> None:
        """Make all ids of the folder mean nothing, while its mails stay."""
        ...

    def state(self) -> object:
        """Return everything a reader must not change: flags of every message, all folders."""
        ...

    def writes(self) -> list[str]:
        """Return what the connectors sent that is not on the list of reading commands."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class ImapStand:
    """A new user on a real IMAP server, read in clear through a proxy that writes along."""

    ids_outlive_renumbering = False
    finds_reply_to = True
    shares_our_memory = False
    roles = frozenset(FolderRole) - {FolderRole.ALL, FolderRole.OTHER}

    def __init__(self, server: Dovecot | Cyrus) -> None:
        self._server = server
        self._user = f"user{next(_users)}"
        server.user(self._user)
        with server.client(self._user) as client:
            client.select_folder("INBOX")
        self.has_object_ids = server.has_object_ids
        self._proxy = Flaky(server.port).__enter__()
        self._open: list[ImapConnector] = []

    @property
    def proxy(self) -> Flaky:
        """The line to the server."""
        return self._proxy

    def connector(self) -> ImapConnector:
        account = ImapAccount(
            "127.0.0.1", self._proxy.port, Security.PLAIN, self._user, Password(PASSWORD)
        )
        limits = FetchLimits(window=PAGE)
        connector = ImapConnector(account, Egress(allowed=["127.0.0.1"]), limits)
        self._open.append(connector)
        return connector

    def create(self, folder: str) -> None:
        self._server.create(self._user, folder)

    def deliver(
        self, mails: Iterable[bytes], folder: str = "INBOX", at: datetime | None = None
    ) -> None:
        self._server.deliver(self._user, mails, folder, at)
        with self._server.client(self._user) as client:
            # A maildir gives UIDs when it is looked at, in the order of names.
            client.select_folder(folder, readonly=True)

    def delete(self, refs: Sequence[MessageRef]) -> None:
        self._server.delete(self._user, _uids(refs), _named(refs[0].folder))

    def move(self, refs: Sequence[MessageRef], target: str) -> None:
        self._server.move(self._user, _uids(refs), _named(refs[0].folder), target)

    def renumber(self, folder: str) -> None:
        self._server.renumber(self._user, folder)

    def state(self) -> object:
        with self._server.client(self._user) as client:
            found = []
            for _, _, name in client.list_folders():
                try:
                    client.select_folder(name, readonly=True)
                except client.Error:
                    continue
                uids = client.search()
                held = client.fetch(uids, ["FLAGS"]) if uids else {}
                flags = {
                    uid: sorted(set(each[b"FLAGS"]) - {b"\\Recent"}) for uid, each in held.items()
                }
                found.append((name, flags))
            return sorted(found)

    def writes(self) -> list[str]:
        return [line for line in _commands(self._proxy.said) if not _only_reads(line)]

    def close(self) -> None:
        for connector in self._open:
            connector.close()
        self._proxy.__exit__()


def _named(key: str) -> str:
    name: str = imap_utf7.decode(key.encode("latin-1"))
    return name


_READING = frozenset(
    "CAPABILITY LOGIN AUTHENTICATE STARTTLS ENABLE ID NOOP LIST XLIST STATUS EXAMINE UNSELECT "
    "IDLE LOGOUT".split()
) | {"UID SEARCH", "UID FETCH"}


def _commands(said: bytes) -> list[str]:
    return [line.decode("latin-1") for line in said.split(b"\r\n") if line]


def _only_reads(line: str) -> bool:
    """Say whether a command is one of those that change nothing in a mailbox."""
    words = line.split(" ")
    if words == ["DONE"]:
        return True
    if len(words) < 2:
        return False
    name = words[1].upper() + (f" {words[2].upper()}" if words[1].upper() == "UID" else "")
    fetches_quietly = "BODY[" not in line.upper() and "RFC822 " not in line.upper() + " "
    return name in _READING and (name != "UID FETCH" or fetches_quietly)


def _uids(refs: Sequence[MessageRef]) -> list[int]:
    return [int(ref.id.partition(":")[2]) for ref in refs]


def folder_named(connector: Connector, name: str) -> Folder:
    """Return the folder of that name as it is now."""
    return next(folder for folder in connector.folders() if folder.name == name)
