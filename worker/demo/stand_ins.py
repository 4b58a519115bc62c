"""The demo's Google: the stand-in of the tests, so that connecting by a click can be tried.

It is there in a clone of the project, as long as no real Google is named in the settings.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from worker.demo.mails import demo_mails
from worker.demo.people import COLLEAGUE, USER
from worker.embedded.child import NotStarted
from worker.embedded.place import private_directory
from worker.up.processes import ROOT

HOST = "127.0.0.1"
MODULE = "tests.fakes.google"
PRIVATE = (b"family.example", b"friends.example")
"""Whose mail the colleague has as well; none of them is a lead."""


@dataclass(frozen=True, slots=True)
class DemoGoogle:
    """Where the stand-in lies and listens, and which service it answers."""

    directory: Path
    port: int
    public_url: str

    @classmethod
    def at(cls, directory: Path, public_url: str) -> DemoGoogle | None:
        """Return the stand-in of a directory, its mailbox filled when it is first asked for."""
        if os.environ.get("GOOGLE_CLIENT_ID") or not (ROOT / MODULE.replace(".", "/")).is_dir():
            return None
        port_file = directory / "port"
        if not port_file.exists():
            # All or nothing: whatever an interrupted beginning left is done again.
            shutil.rmtree(directory, ignore_errors=True)
            private_directory(directory)
            fill(directory / "mail" / COLLEAGUE.address, datetime.now(UTC))
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                port_file.write_text(str(probe.getsockname()[1]))
        return cls(directory, int(port_file.read_text()), public_url.rstrip("/"))

    @property
    def command(self) -> list[str]:
        """How it is started."""
        return [
            *(sys.executable, "-m", MODULE, "--port", str(self.port), "--boxes-ticked"),
            *("--mail", str(self.directory / "mail")),
            *("--redirect", f"{self.public_url}/oauth/callback"),
            *("--push", f"{self.public_url}/hooks/gmail"),
        ]

    @property
    def shell_command(self) -> str:
        """How it is started, as a shell reads it."""
        return shlex.join(self.command)

    def settings(self) -> dict[str, str]:
        """Return the settings that make the service use it instead of Google.

        Raises:
            NotStarted: It doesn't run here.
        """
        done = subprocess.run(
            [*self.command, "--settings"], capture_output=True, check=False, text=True, cwd=ROOT
        )
        if done.returncode:
            raise NotStarted(f"the demo's stand-in for Google fails: {done.stderr[-300:]}")
        pairs = (line.partition("=") for line in done.stdout.splitlines() if "=" in line)
        return {name: value for name, _, value in pairs}


def fill(box: Path, now: datetime) -> None:
    """Write the colleague's maildir: the mails that were copied to him, and private ones."""
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True, mode=0o700)
    theirs, ours = COLLEAGUE.address.encode(), USER.address.encode()
    for number, mail in enumerate(sorted(demo_mails(now), key=lambda mail: mail.at)):
        raw = mail.raw
        if theirs not in raw:
            if not any(name in raw for name in PRIVATE):
                continue
            raw = raw.replace(ours, theirs)
        path = box / "cur" / f"{int(mail.at.timestamp())}.{number}.demo:2,S"
        path.write_bytes(raw)
