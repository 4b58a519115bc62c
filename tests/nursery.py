"""The Procfile's processes without the seconds that Python takes to load them: forked when loaded.

A cold start costs two seconds of a core, so two cores would spend a storm of hundreds of kills
on nothing else. `python -m tests.nursery DIRECTORY` loads the libraries once; for each name that
it reads it forks, and the child runs that line of the Procfile from its first statement on: its
own process group, settings, queue, connections and, for dramatiq, its own worker process.
"""

from __future__ import annotations

import ctypes
import os
import random
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Self

import dramatiq.cli

import worker.cli
from tests.processes import ROOT
from worker.up.processes import commands

PROGRAMS = {"dramatiq": dramatiq.cli.main, "leadmail": worker.cli.main}
PR_SET_PDEATHSIG = 1


class Nursery:
    """Real processes by name, started in tenths of a second; use it in a `with` statement."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.running: dict[str, int] = {}
        self.mother = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery", str(directory)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.running):
            self.kill(name)
        self.mother.communicate()

    def start(self, name: str) -> None:
        """Start a process."""
        assert self.mother.stdin is not None
        assert self.mother.stdout is not None
        self.mother.stdin.write(f"{name}\n")
        self.mother.stdin.flush()
        self.running[name] = int(self.mother.stdout.readline())

    def is_ready(self, name: str) -> bool:
        """Tell whether a process, or one that it started, is connected to a server."""
        try:
            return any(
                str(file.readlink()).startswith("socket:")
                for pid in family(self.running[name])
                for file in Path(f"/proc/{pid}/fd").iterdir()
            )
        except OSError:
            return False

    def kill(self, name: str) -> None:
        """Kill a process and all that it started, with SIGKILL, and wait until they are dead."""
        group = self.running.pop(name)
        members = family(group)
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        while any(map(is_alive, members)):
            sleep(0.005)


def family(pid: int) -> list[int]:
    """Return a process and those that it started."""
    try:
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return [pid]
    return [pid, *map(int, started.split())]


def is_alive(pid: int) -> bool:
    """Tell whether a process still runs; a dead one may wait for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def main() -> None:
    """Fork a process for each name that is read."""
    directory, known = Path(sys.argv[1]), commands()
    # Nobody waits for the dead.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        name = line.strip()
        child = os.fork()
        if child == 0:
            become(shlex.split(known[name]), directory / f"{name}.log")
        # The child leads its group before anybody hears of it, so that it can be killed.
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(child, child)
        print(child, flush=True)


def become(command: list[str], log: Path) -> None:
    """Run a command of the Procfile in this process, to its end."""
    parent = os.getppid()
    with suppress(PermissionError):
        os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    random.seed()
    nothing = os.open(os.devnull, os.O_RDONLY)
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for there, here in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(there, here)
    sys.argv = command
    if os.getppid() == parent:
        PROGRAMS[command[0]]()
    os._exit(0)


if __name__ == "__main__":
    main()
