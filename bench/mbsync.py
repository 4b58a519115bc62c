"""The peer: mbsync (isync), a C program that copies a mailbox into files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from bench.mailserver import OWNER, PASSWORD
from bench.meter import Cost, peak_mb
from tests.servers.child import ServerMissing

_CONFIGURATION = """
{fsync}
IMAPStore far
Host {host}
Port {port}
User {user}
Pass "{password}"
{security}

MaildirStore near
Path {at}/
Inbox {at}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Sync Pull
SyncState *
"""


class Mbsync:
    """One copy of a mailbox. `fsync=None` is mbsync as it comes: each file is synced."""

    def __init__(self, port: int, ca_file: str | None, *, fsync: bool, user: str = OWNER) -> None:
        if not shutil.which("mbsync"):
            raise ServerMissing("mbsync is missing: apt-get install isync")
        self._directory = Path(tempfile.mkdtemp(prefix="lm-mbsync-"))
        tls = f"SSLType IMAPS\nCertificateFile {ca_file}\nSystemCertificates no"
        self._settings = self._directory / "mbsyncrc"
        self._settings.write_text(
            _CONFIGURATION.format(
                fsync="" if fsync else "FSync no",
                host="localhost" if ca_file else "127.0.0.1",
                port=port,
                user=user,
                password=PASSWORD,
                security=tls if ca_file else "SSLType None\nAuthMechs LOGIN",
                at=self._directory / "mail",
            )
        )
        (self._directory / "mail").mkdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._directory)

    def run(self) -> Cost:
        """Bring the copy up to date."""
        began = time.monotonic()
        child = subprocess.Popen(
            ["mbsync", "-q", "-c", str(self._settings), "all"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        peak, ended = 0.0, 0
        while not ended:
            # The kernel's own record would count what Python had before it became mbsync.
            peak = max(peak, peak_mb([child.pid]))
            ended, status, usage = os.wait4(child.pid, os.WNOHANG)
            time.sleep(0.005)
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said = child.stderr.read() if child.stderr else b""
            raise RuntimeError(f"mbsync failed: {said.decode(errors='replace')[-500:]}")
        return Cost(wall, usage.ru_utime + usage.ru_stime, peak)

    def held(self) -> int:
        """Return how many mails the copy has."""
        mail = self._directory / "mail"
        return sum(1 for part in ("cur", "new") for _ in mail.glob(f"**/{part}/*"))
