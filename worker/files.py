"""How many files and sockets a process may have open at once."""

from __future__ import annotations

import resource
from contextlib import suppress

SOCKETS_A_MAILBOX = 3
"""A watch each of inbox, sent mail and all mail, at most."""


def raise_limit() -> int:
    """Raise the limit to what the system allows at most; return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some systems allow less than they say.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return limit()


def limit() -> int:
    """Return how many files this process may have open at once now."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def most() -> int:
    """Return how many files a process may have open once it has raised its limit."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
