"""The demo's Google and Microsoft: stand-ins of the tests, so that a click connects a mailbox.

They are there in a clone of the project; each one as long as its real provider isn't named in the
settings. What they keep lies in the demo's directory and survives a restart.
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
from functools import cache
from pathlib import Path

from worker.demo.mails import DemoMail, demo_mails
from worker.demo.people import COLLEAGUES, USER, Colleague
from worker.demo.roles import ROLES, Role
from worker.embedded.child import NotStarted
from worker.embedded.place import private_directory
from worker.up.home import write_secretly
from worker.up.processes import ROOT

HOST = "127.0.0.1"
CA_FILE = "LEADMAIL_CA_FILE"


@dataclass(frozen=True, slots=True)
class StandIn:
    """Where a stand-in lies and listens, and which service it answers."""

    role: Role
    directory: Path
    port: int
    public_url: str

    @classmethod
    def of(cls, role: Role, home: Path, public_url: str) -> StandIn:
        """Return the stand-in of a role, its mailboxes filled when it is first asked for."""
        directory = home / role.name.lower()
        port_file = directory / "port"
        if not port_file.exists():
            # All or nothing: whatever an interrupted beginning left is done again.
            shutil.rmtree(directory, ignore_errors=True)
            private_directory(directory)
            for colleague in COLLEAGUES:
                fill(directory / "mail" / colleague.address, colleague)
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                port_file.write_text(str(probe.getsockname()[1]))
        return cls(role, directory, int(port_file.read_text()), public_url.rstrip("/"))

    @property
    def name(self) -> str:
        """What its process and its log are called."""
        return self.role.name.lower()

    @property
    def command(self) -> list[str]:
        """How it is started."""
        push = ("--push", f"{self.public_url}{self.role.push}") if self.role.push else ()
        return [
            *(sys.executable, "-m", self.role.module, "--port", str(self.port)),
            *("--mail", str(self.directory / "mail")),
            *("--state", str(self.directory / "state")),
            *("--redirect", f"{self.public_url}/oauth/callback"),
            *(*push, *self.role.options),
        ]

    @property
    def shell_command(self) -> str:
        """How it is started, as a shell reads it."""
        return shlex.join(self.command)

    def settings(self) -> dict[str, str]:
        """Return the settings that make the service use it instead of the provider.

        Raises:
            NotStarted: It doesn't run here.
        """
        done = subprocess.run(
            [*self.command, "--settings"], capture_output=True, check=False, text=True, cwd=ROOT
        )
        if done.returncode:
            raise NotStarted(f"the stand-in for {self.role.name} fails: {done.stderr[-300:]}")
        pairs = (line.partition("=") for line in done.stdout.splitlines() if "=" in line)
        named = {name: value for name, _, value in pairs}
        if own := named.get(CA_FILE):
            named[CA_FILE] = self._trusting(Path(own))
        return named

    def _trusting(self, own: Path) -> str:
        """Return a file with its own authority, and those that were given."""
        given = os.environ.get(CA_FILE)
        try:
            texts = [Path(each).read_text() for each in (given, own) if each]
        except (OSError, UnicodeDecodeError):
            raise NotStarted(f"the file that {CA_FILE} names can't be read: {given}") from None
        trusted = self.directory / "trusted.pem"
        write_secretly(trusted, "\n".join(texts))
        return str(trusted)


def stand_ins(home: Path, public_url: str) -> list[StandIn]:
    """Return who plays a provider in this run."""
    return [StandIn.of(role, home, public_url) for role in ROLES if is_open(role)]


def is_open(role: Role) -> bool:
    """Say whether somebody has to play it, and can."""
    is_here = (ROOT / role.module.replace(".", "/")).is_dir()
    return is_here and not os.environ.get(role.client)


@cache
def mails() -> list[DemoMail]:
    """Return the demo's mails as of this run, oldest first: the same at every stand-in."""
    return sorted(demo_mails(datetime.now(UTC)), key=lambda mail: mail.at)


def fill(box: Path, colleague: Colleague) -> None:
    """Write a colleague's maildir: the mails that were copied to them, and private ones."""
    for part in ("cur", "new", "tmp"):
        (box / part).mkdir(parents=True, mode=0o700)
    theirs, ours = colleague.address.encode(), USER.address.encode()
    for number, mail in enumerate(mails()):
        raw = mail.raw
        if theirs not in raw:
            if not any(name.encode() in raw for name in colleague.private):
                continue
            raw = raw.replace(ours, theirs)
        path = box / "cur" / f"{int(mail.at.timestamp())}.{number}.demo:2,S"
        path.write_bytes(raw)
