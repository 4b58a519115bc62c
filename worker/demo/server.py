"""The demo's IMAP server: pymap on loopback over a maildir that survives restarts."""

from __future__ import annotations

import mailbox
import os
import secrets
import shlex
import shutil
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from imapclient import IMAPClient, SocketTimeout
from pysasl.hashing import BuiltinHash

from worker.demo.mails import ARCHIVE, INBOX, SENT, demo_mails
from worker.demo.people import USER
from worker.embedded.child import NotStarted
from worker.embedded.place import private_directory

HOST = "127.0.0.1"
SECONDS = 20


@dataclass(frozen=True, slots=True)
class DemoServer:
    """The demo's mailbox: where it lies, and how it is reached."""

    directory: Path
    port: int
    password: str

    @classmethod
    def at(cls, directory: Path) -> DemoServer:
        """Return the server of a directory, its mailbox filled when it is first asked for.

        Raises:
            NotStarted: pymap is missing, or the port it had before is someone else's now.
        """
        port_file, password_file = directory / "port", directory / "password"
        if not port_file.exists():
            # All or nothing: whatever an interrupted beginning left is done again.
            shutil.rmtree(directory, ignore_errors=True)
            private_directory(directory)
            password = secrets.token_urlsafe(12)
            password_file.write_text(password)
            fill(directory / "mail", password, datetime.now(UTC))
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                port_file.write_text(str(probe.getsockname()[1]))
        server = cls(directory, int(port_file.read_text()), password_file.read_text())
        if not server.program.exists():
            raise NotStarted("pymap, the demo's mail server, is missing: run `make env`")
        return server

    @property
    def program(self) -> Path:
        """The command of pymap, beside this Python's."""
        return Path(sys.executable).with_name("pymap")

    @property
    def shell_command(self) -> str:
        """How it is started."""
        listen = ("--host", HOST, "--port", str(self.port), "--no-tls")
        return shlex.join((str(self.program), *listen, "maildir", str(self.directory / "mail")))

    @property
    def listens(self) -> bool:
        """Whether someone listens at its port."""
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False

    def deliver(self, raw: bytes) -> None:
        """Put a new mail into the inbox, as a mail that just came.

        Raises:
            OSError, IMAPClientError: The server doesn't run.
        """
        timeout = SocketTimeout(SECONDS, SECONDS)
        with IMAPClient(HOST, self.port, ssl=False, timeout=timeout) as client:
            client.login(USER.address, self.password)
            # pymap stores what it is given, and a maildir's lines end as the system's do.
            client.append(INBOX, raw.replace(b"\r\n", b"\n"))


def fill(base: Path, password: str, now: datetime) -> None:
    """Write the demo's mailbox and its user, in the files that pymap reads."""
    base.mkdir(mode=0o700)
    # Name, password (elsewhere), ids, comment, home, shell, as in passwd(5).
    (base / "pymap-etc-passwd").write_text(f"{USER.address}:::::mailbox:\n")
    (base / "pymap-etc-shadow").write_text(
        f"{USER.address}:{BuiltinHash().hash(password)}:::::::\n"
    )
    (base / "pymap-etc-group").write_text("")
    box = mailbox.Maildir(base / "mailbox", create=True)
    for name in (SENT, ARCHIVE):
        box.add_folder(name)
    for number, mail in enumerate(sorted(demo_mails(now), key=lambda mail: mail.at)):
        folder = base / "mailbox" / ("" if mail.folder == INBOX else f".{mail.folder}")
        # Read long ago, except what came last; a maildir's lines end as the system's do.
        seen = "S" if now - mail.at > timedelta(days=3) else ""
        path = folder / "cur" / f"{int(mail.at.timestamp())}.{number}.demo:2,{seen}"
        path.write_bytes(mail.raw.replace(b"\r\n", b"\n"))
        os.utime(path, (mail.at.timestamp(), mail.at.timestamp()))
