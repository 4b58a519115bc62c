"""The directory of `leadmail up`: its servers, its keys, and what other commands must know."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from worker.embedded.child import NotStarted
from worker.embedded.place import private_directory

ENVIRONMENT = "environment"
KEY_BYTES = 32


@contextmanager
def owned(directory: Path) -> Iterator[Path]:
    """Hold the directory for this process alone; it is made if need be.

    Raises:
        NotStarted: Another `up` holds it, or it can't be used.
    """
    home = private_directory(directory.absolute())
    descriptor = os.open(home / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
            raise NotStarted(
                f"{directory} is in use by another `leadmail up` (process {holder}):"
                " stop it, or choose another --data"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield home
    finally:
        os.close(descriptor)


def master_keys(home: Path) -> str:
    """Return the directory's master keys, newest first, parted by commas; made if need be.

    They are as url-safe base64. Whoever loses this file has erased everything.
    """
    path = home / "master-keys"
    if not path.exists():
        write_secretly(path, base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode())
    return path.read_text().strip()


def write_environment(home: Path, settings: Mapping[str, str]) -> None:
    """Leave the settings where other commands of this machine find them."""
    lines = (f"{name}={quoted(value)}" for name, value in sorted(settings.items()))
    write_secretly(home / ENVIRONMENT, "\n".join(lines) + "\n")


def quoted(value: str) -> str:
    """Return a value as a settings file writes it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def write_secretly(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it is there whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
