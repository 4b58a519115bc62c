"""Server programs as direct children that die with us, and the places they need."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
NOBODY = 65534


class ServerMissing(Exception):
    """A server program can't be had on this machine; the text says what to do, in one line."""


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def private_directory(name: str) -> Path:
    """Make a directory short enough for a socket's path, that the server's user can enter."""
    directory = Path(tempfile.mkdtemp(prefix=f"lm-{name}-", dir="/tmp"))
    directory.chmod(0o755)
    return directory


def start(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program that gets SIGTERM when we die."""
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment) if environment is not None else None,
            preexec_fn=die_with_parent,
            # Cyrus ends its whole process group with itself, which must not be ours.
            process_group=0,
        )


def wait_for(
    ready: Callable[[], bool], child: subprocess.Popen[bytes], log: Path, seconds: float = 20
) -> None:
    """Wait until the server answers; if it can't, raise with the end of its log."""
    ends = time.monotonic() + seconds
    while not ready():
        if child.poll() is not None or time.monotonic() > ends:
            raise RuntimeError(f"did not start: {log.read_text(errors='replace')[-1500:]}")
        time.sleep(0.02)


def greets(port: int) -> bool:
    """Say whether something on loopback answers with an IMAP greeting."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4) == b"* OK"
    except OSError:
        return False


def stop(child: subprocess.Popen[bytes], seconds: float = 10) -> None:
    """End a child we started, and wait for it."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
    child.wait()


def remove(directory: Path) -> None:
    """Remove a server's directory."""
    shutil.rmtree(directory, ignore_errors=True)
