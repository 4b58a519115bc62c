"""A `leadmail up` that tests start, ask and end, and what runs because of it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


# A service that takes no time to start, so that the supervision alone is measured.
SERVICE = """
import http.server, os, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, False)
server.socket.close()
server.socket = socket.socket(fileno=int(os.environ["LISTEN_FD"]))
server.serve_forever()
"""


START = """
import sys, pathlib
from worker.up import foreground, processes
procfile = pathlib.Path(sys.argv[1])
foreground.commands = lambda: processes.commands(procfile)
sys.exit(foreground.up("127.0.0.1", int(sys.argv[2]), pathlib.Path(sys.argv[3]), demo=False))
"""


@dataclass
class Up:
    """A running `up`, its lines so far, and its port."""

    process: subprocess.Popen[str]
    home: Path
    port: int = 0

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def get(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/")
        body = connection.getresponse().read().decode()
        connection.close()
        return body

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def command(procfile: Path, port: int, home: Path) -> list[str | Path]:
    return [sys.executable, "-c", START, procfile, str(port), home]


def refused(procfile: Path, home: Path, servers: Mapping[str, str] | None = None) -> str:
    """Return what an `up` that fails says."""
    done = subprocess.run(
        command(procfile, 0, home),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | (servers or {}),
        timeout=60,
        check=False,
    )
    assert 1 == done.returncode
    return done.stderr


def start(procfile: Path, home: Path, **environment: str) -> Up:
    process = subprocess.Popen(
        command(procfile, 0, home),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
    )
    up = Up(process, home)
    ready = re.fullmatch(r"ready: http://127\.0\.0\.1:(\d+)", up.line())
    assert ready
    up.port = int(ready[1])
    return up


def running(up: Up) -> Iterator[Up]:
    yield up
    if up.process.poll() is None:
        up.end(signal.SIGKILL)


def of_this(home: Path) -> set[str]:
    """Return what runs because of an `up` on this directory, by environment and arguments."""
    marks = (f"LEADMAIL_DATA={home}\0".encode(), f"{home}/".encode())
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            arguments = (process / "cmdline").read_bytes()
            seen = (process / "environ").read_bytes() + b"\0" + arguments
            if any(mark in seen for mark in marks):
                found.add(arguments.replace(b"\0", b" ").decode())
    return found


def until_nothing_runs(home: Path, seconds: float = 15) -> set[str]:
    deadline = time.monotonic() + seconds
    while (left := of_this(home)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
