"""The bytes of one connection, bounded in time and size: servers lie, drip and hang."""

from __future__ import annotations

import contextlib
import io
import re
import socket
from time import monotonic
from typing import TYPE_CHECKING

from connectors.errors import Misbehaved, Unreachable
from connectors.imap.account import FetchLimits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BYTES_PER_SECOND = 1024
"""A server slower than this is treated as gone."""

_STATUS = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)
_LITERAL = re.compile(rb"~?\{(\d{1,20})\+?\}\r\n\Z")

Response = list[bytes]
"""One response: its line, then for each literal the literal and the line after it."""


class Wire(io.RawIOBase):
    """A socket that gives up: after a silence, and after a trickle.

    `round_trip` is the shortest time in seconds that an answer took. Only the time spent
    waiting for the server counts, not the time its reader takes.
    """

    def __init__(self, connection: socket.socket, limits: FetchLimits) -> None:
        super().__init__()
        self.socket = connection
        self._limits = limits
        self._read_timeout = limits.read_timeout.total_seconds()
        self._command_timeout = limits.command_timeout.total_seconds()
        self._draining = False
        self._is_released = False
        self._unit = (0.0, 0)
        self._exchange = (0.0, 0)
        self._waited = 0.0
        self._asked_at: float | None = None
        self.round_trip = float("inf")
        self.received = 0
        self._unsent = bytearray()
        self.reader = io.BufferedReader(self, 256 * 1024)
        connection.settimeout(self._read_timeout)

    def readable(self) -> bool:
        """Return True; this is a stream for reading."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Read what is there, or wait for it; None while looking for leftovers."""
        if self._draining:
            return None
        started = monotonic()
        try:
            count = self.socket.recv_into(buffer)
        except TimeoutError:
            raise Unreachable("the server fell silent") from None
        except OSError:
            raise Unreachable("the connection broke") from None
        ended = monotonic()
        self._waited += ended - started
        if self._asked_at is not None:
            self.round_trip = min(self.round_trip, ended - self._asked_at)
            self._asked_at = None
        self.received += count
        for (waited, received), patience in (
            (self._unit, self._read_timeout),
            (self._exchange, self._command_timeout),
        ):
            if self._waited - waited > patience + (self.received - received) / _BYTES_PER_SECOND:
                raise Unreachable("the server is too slow")
        return count

    def replace(self, connection: socket.socket) -> None:
        """Go on over another socket: the same one, inside TLS."""
        self.socket = connection
        connection.settimeout(self._read_timeout)

    def leftovers(self) -> bool:
        """Say whether bytes were received that nobody has read, without waiting for any."""
        self._draining = True
        try:
            return bool(self.reader.peek(1))
        finally:
            self._draining = False

    def release(self) -> tuple[socket.socket, bytes]:
        """Hand over the socket and what was received but not read; this wire is done."""
        self._draining = True
        waiting = self.reader.peek(1)
        self._is_released = True
        return self.socket, bytes(waiting)

    def write_later(self, data: bytes) -> None:
        """Keep the bytes until the next read, so that commands travel together."""
        self._unsent += data

    def flush_writes(self) -> None:
        """Send what was kept, and begin to count the wait for its answer."""
        if self._unsent:
            data = bytes(self._unsent)
            self._unsent.clear()
            try:
                self.socket.sendall(data)
            except OSError:
                raise Unreachable("the connection broke") from None
            self._asked_at = monotonic()
        self._exchange = (self._waited, self.received)

    def line(self) -> bytes:
        """Read one line with its end."""
        if self._unsent:
            self.flush_writes()
        self._unit = (self._waited, self.received)
        line = self.reader.readline(self._limits.line_bytes)
        if not line.endswith(b"\n"):
            if len(line) >= self._limits.line_bytes:
                raise Misbehaved("a line without end")
            raise Unreachable("the server closed the connection")
        return line if line.endswith(b"\r\n") else line[:-1] + b"\r\n"

    def exactly(self, count: int) -> bytes:
        """Read so many bytes."""
        self._unit = (self._waited, self.received)
        data = self.reader.read(count)
        if len(data) != count:
            raise Unreachable("the server closed the connection")
        return data

    def response(self, keep: int, skip: int = 2**32) -> Response:
        """Read one response with its literals.

        Of a literal longer than `keep` bytes only the first `keep` stay, the rest is read
        and dropped.

        Raises:
            Misbehaved: A literal claims more than `skip` bytes.
        """
        line = self.line()
        # Free text of a status line may end like a literal; it never announces one.
        if line[-3:] != b"}\r\n" or line[:2] != b"* " or _STATUS.match(line):
            return [line]
        pieces = [line]
        while literal := _LITERAL.search(line):
            size = int(literal[1])
            if size > skip:
                raise Misbehaved("a literal beyond all bounds")
            pieces.append(self.exactly(min(size, keep)))
            left = size - keep
            while left > 0:
                left -= len(self.exactly(min(left, 2**16)))
            line = self.line()
            pieces.append(line)
        return pieces

    def close(self) -> None:
        """Let go of the socket; never raises. One that was handed over isn't ours to close."""
        # The garbage collector closes a stream, and so would close another's socket.
        if not self._is_released:
            with contextlib.suppress(OSError):
                self.socket.close()
