"""One folder watched with IDLE, made for a single watcher over thousands of them."""

from __future__ import annotations

import re
import socket
import ssl
from datetime import timedelta
from enum import Enum, auto
from time import monotonic

from connectors.egress import Egress
from connectors.errors import ConnectorError, Misbehaved, Unreachable
from connectors.imap.account import FetchLimits, ImapAccount
from connectors.imap.refusals import During, Refused, reaction
from connectors.imap.session import Session

RENEW_AFTER = timedelta(minutes=9)
"""RFC 2177 allows 29 minutes; what stands between us and the server forgets sooner."""

ANSWER_WITHIN = timedelta(minutes=1)
"""The longest wait for an answer to a renewal."""

_LINE_BYTES = 64 * 1024
_CHANGE = re.compile(rb"\* (?:\d+ (?:EXISTS|EXPUNGE)|VANISHED )", re.IGNORECASE)
_TAGGED = re.compile(rb"I\d+ (OK|NO|BAD)\b *(.*)", re.IGNORECASE | re.DOTALL)
_BYE = re.compile(rb"\* BYE\b *(.*)", re.IGNORECASE | re.DOTALL)


class _State(Enum):
    """What the server owes us."""

    STARTING = auto()
    IDLING = auto()
    LEAVING = auto()
    CHECKING = auto()


class IdleWatch:
    """Tells when a folder changes. Only `open` waits; everything else returns at once.

    A notice is only a hint: mail that came before IDLE began, or whose notice was lost, is
    found by asking for the folder's mark. So the first `read_ready` after IDLE has begun
    says True even if nothing came.
    """

    def __init__(
        self,
        account: ImapAccount,
        egress: Egress,
        folder: str = "INBOX",
        limits: FetchLimits | None = None,
    ) -> None:
        self._account = account
        self._egress = egress
        self._folder = folder
        self._limits = limits or FetchLimits()
        self._socket: socket.socket | None = None
        self._unread = bytearray()
        self._state = _State.STARTING
        self._asked = 0
        self._has_begun = False
        self.due_at = float("inf")

    def open(self) -> bool:
        """Log in, open the folder and begin IDLE; False when the server has no IDLE.

        Waits for the network: call it in a thread. Call `read_ready` once afterwards, for
        what has come already makes no socket readable.

        Raises:
            ConnectorError: As any connector does.
        """
        session = Session(self._account, self._egress, self._limits)
        try:
            if not session.offers(b"IDLE"):
                session.close()
                return False
            session.examined(self._folder, session.ask_examine(self._folder))
            self._socket, unread = session.wire.release()
            self._unread += unread
            self._socket.settimeout(0)
            self._begin()
        except ConnectorError:
            session.close()
            raise
        return True

    def fileno(self) -> int:
        """Return the socket's number, for a selector."""
        return self._connection.fileno()

    def read_ready(self) -> bool:
        """Read whatever has come; say whether the folder may have changed.

        Raises:
            Unreachable, Throttled, Misbehaved: The watch is over; open a new one later.
        """
        try:
            return self._take_what_came()
        except ConnectorError:
            self.close()
            raise

    def _take_what_came(self) -> bool:
        is_over = self._receive()
        is_changed = False
        while (end := self._unread.find(b"\n")) >= 0:
            line = bytes(self._unread[:end]).rstrip(b"\r")
            del self._unread[: end + 1]
            is_changed |= self._hear(line)
        if len(self._unread) > _LINE_BYTES:
            raise Misbehaved("a line without end")
        if is_over:
            raise Unreachable("the server closed the connection")
        return is_changed

    def renew(self) -> None:
        """Do what is due at `due_at` (of `time.monotonic`): leave IDLE, look, and begin again.

        Raises:
            Unreachable: The server hasn't answered the last time.
        """
        if self._state is not _State.IDLING:
            raise Unreachable("the server fell silent")
        self._send(b"DONE\r\n")
        self._expect(_State.LEAVING)

    def close(self) -> None:
        """Let go of the connection; never raises."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def _connection(self) -> socket.socket:
        if self._socket is None:
            raise Unreachable("the watch is closed")
        return self._socket

    def _hear(self, line: bytes) -> bool:
        """Take one line; say whether it tells of a change."""
        if goodbye := _BYE.match(line):
            raise reaction(Refused(b"BYE", goodbye[1]), During.COMMAND)
        if line.startswith(b"+") and self._state is _State.STARTING:
            self._state = _State.IDLING
            self.due_at = monotonic() + RENEW_AFTER.total_seconds()
            is_first, self._has_begun = not self._has_begun, True
            return is_first
        tagged = _TAGGED.match(line)
        if tagged is None:
            return _CHANGE.match(line) is not None
        if tagged[1].upper() != b"OK":
            raise reaction(Refused(tagged[1], tagged[2]), During.COMMAND)
        if self._state is _State.LEAVING:
            # NOOP tells whatever IDLE may have kept to itself.
            self._send(self._tag() + b" NOOP\r\n")
            self._expect(_State.CHECKING)
        elif self._state is _State.CHECKING:
            self._begin()
        else:
            raise Misbehaved("an end of IDLE that nobody asked for")
        return False

    def _begin(self) -> None:
        self._send(self._tag() + b" IDLE\r\n")
        self._expect(_State.STARTING)

    def _expect(self, state: _State) -> None:
        self._state = state
        self.due_at = monotonic() + ANSWER_WITHIN.total_seconds()

    def _tag(self) -> bytes:
        self._asked += 1
        return b"I%d" % self._asked

    def _receive(self) -> bool:
        """Read until nothing is left, TLS records included; say whether the server is gone."""
        while len(self._unread) <= _LINE_BYTES:
            try:
                data = self._connection.recv(16 * 1024)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except OSError:
                return True
            if not data:
                return True
            self._unread += data
        return False

    def _send(self, data: bytes) -> None:
        try:
            sent = self._connection.send(data)
        except OSError:
            raise Unreachable("the connection broke") from None
        if sent != len(data):
            raise Unreachable("the connection is stuck")
