"""A network that is far away, breaks, stalls or garbles, and counts the round trips it carries."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Self

_MOST_WAITING = 32
"""Pieces on their way in one direction; further ones wait in the sender's own buffers."""


@dataclass(slots=True)
class Traffic:
    """What went through one connection. A round trip is counted when the client speaks again."""

    round_trips: int = 0
    from_client: bytearray = field(default_factory=bytearray)
    from_server: int = 0
    is_clients_turn: bool = True


class Flaky:
    """A TCP proxy on loopback to a port there; use it in a `with` statement.

    `latency` in seconds is added to each direction, without narrowing the line. After
    `cut_after` bytes from the server the connection is closed, after `stall_after` it goes
    silent; `garble` may change what the server says. All may be set while it runs.
    """

    def __init__(
        self,
        target: int,
        latency: float = 0.0,
        cut_after: int | None = None,
        stall_after: int | None = None,
        garble: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._target = target
        self.latency = latency
        self.cut_after = cut_after
        self.stall_after = stall_after
        self.garble = garble
        self.connections: list[Traffic] = []
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    @property
    def round_trips(self) -> int:
        """Of all connections, TLS handshakes included, TCP's own not."""
        return sum(traffic.round_trips for traffic in self.connections)

    @property
    def said(self) -> bytes:
        """All that clients sent, readable if it was in clear."""
        return b"".join(bytes(traffic.from_client) for traffic in self.connections)

    def forget(self) -> None:
        """Begin to count anew."""
        for traffic in self.connections:
            traffic.round_trips = 0
            traffic.from_client.clear()

    def cut(self) -> None:
        """Break all connections now."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._sockets.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            traffic = Traffic()
            self.connections.append(traffic)
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.append(each)
            self._carry(client, server, partial(self._from_client, traffic))
            self._carry(server, client, partial(self._from_server, traffic))

    def _from_client(self, traffic: Traffic, data: bytes) -> bytes | None:
        if traffic.is_clients_turn:
            traffic.round_trips += 1
            traffic.is_clients_turn = False
        traffic.from_client += data
        return data

    def _from_server(self, traffic: Traffic, data: bytes) -> bytes | None:
        traffic.is_clients_turn = True
        before = traffic.from_server
        traffic.from_server += len(data)
        if self.stall_after is not None and traffic.from_server > self.stall_after:
            data = data[: max(0, self.stall_after - before)]
        if self.cut_after is not None and traffic.from_server > self.cut_after:
            return None
        return self.garble(data) if self.garble else data

    def _carry(
        self,
        source: socket.socket,
        target: socket.socket,
        look: Callable[[bytes], bytes | None],
    ) -> None:
        waiting: queue.Queue[tuple[float, bytes] | None] = queue.Queue(_MOST_WAITING)

        def read() -> None:
            while True:
                try:
                    data = source.recv(64 * 1024)
                except OSError:
                    data = b""
                passed = look(data) if data else None
                if passed is None:
                    waiting.put(None)
                    return
                waiting.put((time.monotonic() + self.latency, passed))

        def write() -> None:
            while (item := waiting.get()) is not None:
                at, data = item
                time.sleep(max(0.0, at - time.monotonic()))
                try:
                    target.sendall(data)
                except OSError:
                    break
            for each in (source, target):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()
