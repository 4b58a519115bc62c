"""What a person or another program does to a mailbox, through IMAP, on any server."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from imapclient import IMAPClient

PASSWORD = "secret horse battery"


class Hands:
    """The part that all IMAP servers have in common; `port` takes connections in clear."""

    port: int

    @contextmanager
    def client(self, user: str, password: str = PASSWORD) -> Iterator[IMAPClient]:
        """Log in as another program of the user's would, with every right to change things."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=30)
        client._imap.debug = 0
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            client.login(f'"{user}"', password)
            yield client
        finally:
            with suppress(OSError, client.Error):
                client.logout()

    def create(self, user: str, *folders: str) -> None:
        """Make folders."""
        with self.client(user) as client:
            for folder in folders:
                client.create_folder(folder)

    def delete(self, user: str, uids: Iterable[int], folder: str = "INBOX") -> None:
        """Remove mails for good."""
        with self.client(user) as client:
            client.select_folder(folder)
            client.delete_messages(list(uids))
            client.expunge()

    def move(self, user: str, uids: Iterable[int], source: str, target: str) -> None:
        """Move mails to another folder."""
        with self.client(user) as client:
            client.select_folder(source)
            client.move(list(uids), target)

    def renumber(self, user: str, folder: str, *, keeps_arrival: bool = True) -> None:
        """Make the folder anew with the same mails, which gives it a new UIDVALIDITY.

        Files that were copied back may have lost when their mails arrived.
        """
        with self.client(user) as client:
            client.select_folder(folder)
            held = client.fetch(client.search(), ["BODY.PEEK[]", "INTERNALDATE"])
            client.select_folder("INBOX")
            client.delete_folder(folder)
            client.create_folder(folder)
            for _, parts in sorted(held.items()):
                arrival = parts[b"INTERNALDATE"] if keeps_arrival else None
                client.append(folder, parts[b"BODY[]"], msg_time=arrival)
