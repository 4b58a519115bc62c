"""Where a server's sockets lie: a short path that nobody else can enter."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from worker.embedded.child import NotStarted

LONGEST_BYTES = 80
"""Of a directory of sockets: the kernel takes 107 for the whole name of one."""

PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
"""A path that needs quoting neither in a URL nor in PostgreSQL's list of directories."""


def private_directory(path: Path) -> Path:
    """Return the directory, made if need be, readable by nobody else.

    Raises:
        NotStarted: It belongs to someone else, or can't be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Root may have handed it to `nobody`, see `as_ordinary_user`.
        if os.geteuid() not in (0, path.stat().st_uid):
            raise NotStarted(f"{path} belongs to another user: choose another directory")
        path.chmod(0o700)
    except OSError as error:
        raise NotStarted(f"{path} can't be used: {error.strerror}") from None
    return path


def socket_directory(home: Path) -> Path:
    """Return a private directory for the sockets of the server that lives at `home`.

    It is inside, unless that path is too long or has characters that would need quoting; then
    it is a fixed one among the temporary files.
    """
    inside = home.resolve() / "run"
    if len(os.fsencode(inside)) <= LONGEST_BYTES and PLAIN.fullmatch(str(inside)):
        return private_directory(inside)
    name = hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]
    return private_directory(Path(tempfile.gettempdir()) / f"leadmail-{os.geteuid()}-{name}")


def leave(sockets: Path | None) -> None:
    """Remove a directory of sockets that its server has emptied."""
    if sockets:
        with suppress(OSError):
            sockets.rmdir()
