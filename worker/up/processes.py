"""Keeps the Procfile's processes running: what dies is started again, all end together."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from honcho.environ import parse_procfile

from worker.embedded.child import spawn, sweep

ROOT = Path(__file__).resolve().parents[2]
RELEASE = "release"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=0.5), timedelta(seconds=15)
HEALTHY = timedelta(seconds=30)
"""A process that ran so long starts again without a pause."""
LARGEST_LOG_BYTES = 10 * 1024 * 1024


def commands(procfile: Path = ROOT / "Procfile") -> dict[str, str]:
    """Return the Procfile's processes: the shell command of each name, in order."""
    return dict(parse_procfile(procfile.read_text()).processes)


class Supervised:
    """One process of the Procfile: started, started again when it dies, ended."""

    def __init__(
        self,
        name: str,
        command: str,
        environment: Mapping[str, str],
        log: Path,
        keep: Sequence[int] = (),
    ) -> None:
        """`keep` are the file descriptors that it inherits."""
        self.name = name
        self.log = log
        self._keep = keep
        self._command = ("/bin/sh", "-c", f"exec {command}")
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._next_start = 0.0
        self._pause = FIRST_PAUSE

    @property
    def runs(self) -> bool:
        """Whether it runs, as far as the last look showed."""
        return self._process is not None

    def start(self) -> None:
        """Start it."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LARGEST_LOG_BYTES:
                self.log.replace(self.log.with_suffix(".old.log"))
        self._started = time.monotonic()
        self._process = spawn(
            self._command,
            at_parents_death=signal.SIGTERM,
            log=self.log,
            environment=self._environment,
            keep=self._keep,
            directory=ROOT,
        )

    def check(self) -> int | None:
        """Start it again if it has died and its pause is over; return the exit code once."""
        if self._process is None:
            if time.monotonic() >= self._next_start:
                self.start()
            return None
        code = self._reap()
        if code is None:
            return None
        now = time.monotonic()
        if now - self._started > HEALTHY.total_seconds():
            self._pause = FIRST_PAUSE
        self._next_start = now + self._pause.total_seconds()
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return code

    def ask_to_end(self) -> None:
        """Send SIGTERM; it finishes what it has in hand."""
        if self._process:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def has_ended(self) -> bool:
        """Return whether it has ended."""
        return self._process is None or self._reap() is not None

    def kill(self) -> None:
        """Kill it and whatever it started."""
        if self._process:
            sweep(self._process)
            self._process.wait()
            self._process = None

    def _reap(self) -> int | None:
        process = self._process
        if process is None:
            return 0
        look = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if os.waitid(os.P_PID, process.pid, look) is None:
            return None
        # Not reaped yet, so the group's number is still its own: end whom it left behind.
        sweep(process)
        self._process = None
        return process.wait()


def run_once(
    command: str, environment: Mapping[str, str], log: Path | None, over: Callable[[], bool]
) -> int:
    """Run a command to its end, or until it is `over`; return the exit code.

    Without a log it speaks to whoever started us.
    """
    process = spawn(
        ("/bin/sh", "-c", f"exec {command}"),
        at_parents_death=signal.SIGTERM,
        log=log,
        environment=environment,
        directory=ROOT,
    )
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(0.05)
        if over():
            process.terminate()


def end_all(processes: list[Supervised], patience: timedelta, hurry: Callable[[], bool]) -> None:
    """Ask all to end at once, wait until they have, and kill what hasn't in time."""
    for process in processes:
        process.ask_to_end()
    deadline = time.monotonic() + patience.total_seconds()
    while time.monotonic() < deadline and not hurry():
        ended = [process.has_ended() for process in processes]
        if all(ended):
            return
        time.sleep(0.02)
    for process in processes:
        process.kill()
