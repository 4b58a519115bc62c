"""A child process that dies with its owner, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import timedelta
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
PAUSE_SECONDS = 0.01

# The kernel signals a child when the thread that started it ends, not the process. So one
# thread, which lives as long as the process, starts them all.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class NotStarted(Exception):
    """A server couldn't be started; the text says why, and what to do."""


def spawn(
    command: Sequence[str | Path],
    *,
    at_parents_death: signal.Signals,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    wrapper: Sequence[str] = (),
    keep: Sequence[int] = (),
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, which gets the signal when this process dies.

    A session of its own, so that Ctrl-C reaches only the owner, who stops things in order.
    `wrapper` changes who the command runs as and comes before the leash, because the kernel
    forgets the leash when the user changes. `keep` are file descriptors that the child keeps
    open. Output goes to the end of `log`, or where this process' own goes.
    """
    leash = (sys.executable, "-IS", LEASH, str(int(at_parents_death)), str(os.getpid()))

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") if log else nullcontext() as output:
            return subprocess.Popen(
                (*wrapper, *leash, *command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
                pass_fds=tuple(keep),
                env=dict(environment) if environment is not None else None,
                cwd=directory,
            )

    return _spawner.submit(start).result()


def end(
    process: subprocess.Popen[bytes], signals: Sequence[tuple[signal.Signals, timedelta]]
) -> int:
    """Send each signal until the process has ended within its time; return the exit code.

    The last resort, SIGKILL to everything in the child's session, is always taken.
    """
    for number, patience in signals:
        with suppress(ProcessLookupError):
            process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            return process.wait(patience.total_seconds())
    sweep(process)
    return process.wait()


def sweep(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever is left in the child's process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def wait_until(
    ready: Callable[[], bool],
    process: subprocess.Popen[bytes],
    patience: timedelta,
) -> bool:
    """Return whether it became ready before the process ended or patience ran out."""
    deadline = time.monotonic() + patience.total_seconds()
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def lock(path: Path, patience: timedelta) -> int:
    """Return a descriptor that holds the lock file for us and for whoever inherits it.

    A server keeps it, so the lock is free only when the last process of the server is gone,
    even if its owner was killed before.

    Raises:
        NotStarted: Another process still holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise NotStarted(f"{path.parent} is in use by another process") from None
            time.sleep(PAUSE_SECONDS)
        else:
            return descriptor


def tail(log: Path, size: int = 600) -> str:
    """Return the last `size` bytes of a log, on one line."""
    try:
        return " ".join(log.read_bytes()[-size:].decode(errors="replace").split())
    except FileNotFoundError:
        return ""
