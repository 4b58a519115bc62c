"""The service's real processes, as the Procfile starts them, to be killed and stopped at will."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from worker.embedded.child import spawn
from worker.up.processes import commands

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("worker", "purge", "watcher", "clock")


class Processes:
    """Processes by name, each with those it started; use it in a `with` statement."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "LEADMAIL_CLOCK_SECONDS": "0.3",
            "LEADMAIL_LEASE_SECONDS": "3",
            **environment,
        }
        self.commands = commands()
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.running):
            self.kill(name)

    def start(self, *names: str) -> None:
        """Start processes; the same name again with a number (`worker-2`) starts another."""
        for name in names or NAMES:
            # A session of its own: a kill takes the processes that dramatiq forked too.
            self.running[name] = spawn(
                ["/bin/sh", "-c", f"exec {self.commands[name.partition('-')[0]]}"],
                at_parents_death=signal.SIGTERM,
                log=self.directory / f"{name}.log",
                environment=self.environment,
                directory=ROOT,
            )

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and to all that it started."""
        os.killpg(self.running[name].pid, number)

    def kill(self, name: str) -> None:
        """Kill a process with SIGKILL, and all that it started."""
        # It may have ended by itself, and be nobody's any more.
        with suppress(ProcessLookupError):
            self.signal(name, signal.SIGKILL)
        self.running.pop(name).wait()

    def log(self, name: str) -> str:
        """Return what a process has written."""
        return (self.directory / f"{name}.log").read_text(errors="replace")


def until(holds: Callable[[], bool], seconds: float = 30, every: float = 0.05) -> bool:
    """Wait until something holds; tell whether it does."""
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(every)
    return True
