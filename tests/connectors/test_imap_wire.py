"""The wire and its socket: whose it is, and who closes it."""

from __future__ import annotations

import gc
import socket

from connectors.imap.account import FetchLimits
from connectors.imap.wire import Wire


def test_a_socket_that_was_handed_over_outlives_its_wire():
    # given a wire whose buffer holds the rest of what was said
    ours, theirs = socket.socketpair()
    wire = Wire(ours, FetchLimits())
    theirs.sendall(b"* OK hello\r\n* 1 EXISTS\r\n")
    wire.line()

    # when its socket is handed over, and the wire is collected as garbage
    released, unread = wire.release()
    del wire
    gc.collect()

    # then the socket is still open, and nothing was lost
    with released, theirs:
        theirs.sendall(b"more")
        assert b"* 1 EXISTS\r\n" == unread
        assert b"more" == released.recv(4)


def test_a_wire_that_is_collected_closes_its_socket():
    # given
    ours, theirs = socket.socketpair()
    wire = Wire(ours, FetchLimits())

    # when
    del wire
    gc.collect()

    # then
    with theirs:
        assert -1 == ours.fileno()
