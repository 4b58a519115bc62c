"""A tap on the line to a mail server: it writes down what passes, and makes bad weather."""

from __future__ import annotations

import re
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

BODY = re.compile(rb"BODY\[\](?:<\d+>)? (?:\{\d+\}|\")")
Weather = Callable[[bytes], bytes | None]
"""Takes a command line; what it returns is answered in the server's place, None passes it on."""


class Drop(Exception):
    """Raised by the weather: the connection breaks here."""


class Hang(Exception):
    """Raised by the weather: nothing passes any more, and nobody says so."""


class Tap:
    """A relay on loopback to a server that speaks in clear; use it in a `with` statement.

    `commands` holds every line that a client sent, `bodies` counts whole mails that the
    server handed out, `connections` counts the clients. `break_after` breaks each connection
    after so many bytes from the server.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.commands: list[bytes] = []
        self.bodies = 0
        self.connections = 0
        self.weather: Weather | None = None
        self.break_after: int | None = None
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # A shutdown wakes the thread that accepts; a close alone doesn't.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break all connections now."""
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def verbs(self) -> set[bytes]:
        """Return the commands that were sent, without their arguments."""
        found = set()
        for line in self.commands:
            words = line.upper().split()
            if len(words) > 1:
                found.add(b" ".join(words[1:3]) if words[1] == b"UID" else words[1])
        return found

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as far:
            self._open |= {client, far}
            try:
                self._pass_on(client, far)
            except Drop:
                pass
            except Hang:
                while client.recv(65536):
                    pass
            finally:
                self._open -= {client, far}

    def _pass_on(self, client: socket.socket, far: socket.socket) -> None:
        passed, partial, tail = 0, b"", b""
        with selectors.DefaultSelector() as both:
            both.register(client, selectors.EVENT_READ)
            both.register(far, selectors.EVENT_READ)
            while True:
                for key, _ in both.select():
                    if key.fileobj is client:
                        data = client.recv(65536)
                        *lines, partial = (partial + data).split(b"\r\n")
                        for line in lines:
                            self._send_on(line, client, far)
                    else:
                        data = far.recv(65536)
                        passed += len(data)
                        if self.break_after is not None and passed > self.break_after:
                            raise Drop
                        client.sendall(data)
                        # A mail's beginning may lie across two reads.
                        self.bodies += len(BODY.findall(tail + data)) - len(BODY.findall(tail))
                        tail = (tail + data)[-40:]
                    if not data:
                        return

    def _send_on(self, line: bytes, client: socket.socket, far: socket.socket) -> None:
        self.commands.append(line)
        answer = self.weather(line) if self.weather is not None else None
        if answer is None:
            far.sendall(line + b"\r\n")
        else:
            client.sendall(answer)


def refusing(verb: bytes, answer: bytes) -> Weather:
    """Return weather in which the server answers a command with a line, its tag before it."""

    def weather(line: bytes) -> bytes | None:
        tag, _, rest = line.partition(b" ")
        if not rest.upper().startswith(verb):
            return None
        return (answer if answer.startswith(b"*") else tag + b" " + answer) + b"\r\n"

    return weather


def breaking(verb: bytes, how: type[Drop | Hang]) -> Weather:
    """Return weather in which the connection drops or hangs at a command."""

    def weather(line: bytes) -> bytes | None:
        if line.partition(b" ")[2].upper().startswith(verb):
            raise how
        return None

    return weather
