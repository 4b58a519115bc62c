"""An IMAP server that says exactly what a test wants, lies included."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from tests.servers.authority import Authority

Reply = bytes | Callable[["Conversation", bytes], None]
"""What is answered: bytes with `{tag}` in it, or a function of the conversation and the tag."""

HONEST: Mapping[bytes, Reply] = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n",
    b"LOGIN": b"{tag} OK [CAPABILITY IMAP4rev1] in\r\n",
    b"LIST": b'* LIST () "/" INBOX\r\n{tag} OK done\r\n',
    b"STATUS": b"* STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7)\r\n{tag} OK done\r\n",
    b"EXAMINE": (
        b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 3] ok\r\n"
        b"{tag} OK [READ-ONLY] done\r\n"
    ),
    b"UID SEARCH": b"* SEARCH 1 2\r\n{tag} OK done\r\n",
    b"UID FETCH": b"{tag} OK done\r\n",
    b"LOGOUT": b"* BYE\r\n{tag} OK\r\n",
}


class Conversation:
    """One client's connection, as the server sees it; `heard` is the last line."""

    def __init__(self, connection: socket.socket, authority: Authority | None) -> None:
        self.connection = connection
        self._authority = authority
        self._unread = b""
        self.heard = b""

    def send(self, data: bytes) -> None:
        """Say something."""
        self.connection.sendall(data)

    def line(self) -> bytes:
        """Hear one line, without its end; b'' when the client has gone."""
        while b"\r\n" not in self._unread:
            data = self.connection.recv(64 * 1024)
            if not data:
                return b""
            self._unread += data
        self.heard, _, self._unread = self._unread.partition(b"\r\n")
        return self.heard

    def begin_tls(self) -> None:
        """Go on in TLS."""
        assert self._authority is not None
        context = server_context(self._authority)
        self.connection = context.wrap_socket(
            self.connection, server_side=True, do_handshake_on_connect=False
        )
        self.connection.do_handshake()

    def drip(self, data: bytes, seconds: float) -> None:
        """Say something one byte at a time."""
        for byte in data:
            self.send(bytes([byte]))
            time.sleep(seconds)

    def hang(self) -> None:
        """Say nothing more until the client goes."""
        while self.connection.recv(64 * 1024):
            pass

    def drop(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()


class Scripted:
    """Answers each command by its name from `replies`, which stand before `HONEST`."""

    def __init__(
        self,
        replies: Mapping[bytes, Reply] | None = None,
        greeting: Reply = b"* OK [CAPABILITY IMAP4rev1] hello\r\n",
        authority: Authority | None = None,
        *,
        tls: bool = False,
    ) -> None:
        self._replies = {**HONEST, **(replies or {})}
        self._greeting = greeting
        self._authority = authority
        self._tls = tls
        self.heard: list[bytes] = []
        self._connections: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        conversation = Conversation(connection, self._authority)
        with suppress(OSError, ssl.SSLError):
            if self._tls:
                conversation.begin_tls()
            self._say(self._greeting, conversation, b"*")
            while line := conversation.line():
                self.heard.append(line)
                tag, _, command = line.partition(b" ")
                known = (name for name in self._replies if command.upper().startswith(name))
                name = max(known, key=len, default=b"")
                reply = self._replies.get(name, b"{tag} BAD unknown\r\n")
                self._say(reply, conversation, tag)
        conversation.connection.close()

    def _say(self, reply: Reply, conversation: Conversation, tag: bytes) -> None:
        if isinstance(reply, bytes):
            conversation.send(re.sub(rb"\{tag\}", lambda _: tag, reply))
        else:
            reply(conversation, tag)


def server_context(authority: Authority) -> ssl.SSLContext:
    """Return TLS with the authority's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate, authority.key)
    return context


def fetched(*responses: bytes) -> bytes:
    return b"".join(responses) + b"{tag} OK done\r\n"


def described(uid: int, headers: bytes = b"From: a@b.example\r\n\r\n", size: int = 50) -> bytes:
    return (
        b'* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE "23-Nov-2026 20:00:00 +0000" '
        b"BODY[HEADER.FIELDS (FROM)] {%d}\r\n%s)\r\n" % (uid, uid, size, len(headers), headers)
    )
