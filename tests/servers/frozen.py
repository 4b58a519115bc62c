"""A PostgreSQL that stands still: it takes connections and answers nobody."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.nursery import family
from worker.embedded import PostgresServer


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """Stop all processes of a server during the block."""
    assert server.pid is not None
    stopped: list[int] = []
    try:
        # The first starts the others, so that none is new once it has stopped.
        for pid in (server.pid, *family(server.pid)[1:]):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
