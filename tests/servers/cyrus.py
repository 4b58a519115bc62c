"""A private Cyrus: the second opinion on IMAP, unpacked beside the system without installing."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Self

from tests.servers.authority import Authority, make_authority
from tests.servers.child import (
    NOBODY,
    ServerMissing,
    free_port,
    greets,
    private_directory,
    remove,
    start,
    stop,
    wait_for,
)
from tests.servers.hands import PASSWORD, Hands

# Debian's package conflicts with Dovecot's, so it is only unpacked, with the libraries that it
# needs; which ones, and their names, differ from one Debian to the next.
_PACKAGES = ("cyrus-imapd", "cyrus-common", "sasl2-bin")
_PROGRAMS = (
    "lib/cyrus/bin/master",
    "lib/cyrus/bin/imapd",
    "lib/cyrus/bin/idled",
    "sbin/saslpasswd2",
)
_DEPENDS = ["apt-cache", "depends", "--important"]
_CONFIGURATION = """
configdirectory: {at}/conf
defaultpartition: default
partition-default: {at}/part
cyrus_user: {user}
cyrus_group: {group}
admins: cyrus
unixhierarchysep: yes
altnamespace: yes
virtdomains: userid
defaultdomain: localhost
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {at}/sasldb2
sasl_mech_list: PLAIN LOGIN
tls_server_cert: {certificate}
tls_server_key: {key}
autocreate_quota: 0
autocreate_inbox_folders: Sent | Drafts | Trash | Archive | Junk
xlist-sent: Sent
xlist-drafts: Drafts
xlist-trash: Trash
xlist-junk: Junk
xlist-archive: Archive
autocreate_post: yes
conversations: 1
conversations_max_guidexists: 10000
conversations_max_guidinfolder: 10000
idlesocket: {at}/sock/idle
lmtpsocket: {at}/sock/lmtp
notifysocket: {at}/sock/notify
mboxname_lockpath: {at}/lock
proc_path: {at}/proc
imapidlepoll: 1
sievedir: {at}/sieve
servername: localhost
"""
_SERVICES = """
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {at}/imapd.conf -r"
  idled cmd="{bin}/idled -C {at}/imapd.conf"
}}
SERVICES {{
  imap cmd="{bin}/imapd -C {at}/imapd.conf -U 30" listen="127.0.0.1:{port}" prefork=1 maxchild=100
  imaps cmd="{bin}/imapd -s -C {at}/imapd.conf -U 30" listen="127.0.0.1:{tls_port}" maxchild=100
}}
EVENTS {{
}}
"""


class Cyrus(Hands):
    """A Cyrus on loopback; use it in a `with` statement."""

    has_object_ids = True
    has_qresync = True

    def __enter__(self) -> Self:
        root = unpacked()
        self.directory = at = private_directory("cyrus")
        self.authority: Authority = make_authority(at / "tls")
        self._owner = NOBODY if os.geteuid() == 0 else os.geteuid()
        self.port, self.tls_port = free_port(), free_port()
        user = pwd.getpwuid(self._owner)
        for part in ("part", "sock", "proc", "lock", "sieve"):
            (at / part).mkdir()
        for part in ("proc", "socket", "db", "log", "msg", "user", "lock", "ptclient", "quota"):
            (at / "conf" / part).mkdir(parents=True, exist_ok=True)
        names = {
            "at": at,
            "bin": root / "usr/lib/cyrus/bin",
            "user": user.pw_name,
            "group": grp.getgrgid(user.pw_gid).gr_name,
            "certificate": self.authority.certificate,
            "key": self.authority.key,
            "port": self.port,
            "tls_port": self.tls_port,
        }
        (at / "imapd.conf").write_text(_CONFIGURATION.format(**names))
        (at / "cyrus.conf").write_text(_SERVICES.format(**names))
        self._environment = _environment(root)
        self._saslpasswd = root / "usr/sbin/saslpasswd2"
        self.user("cyrus")
        command: list[str | Path] = [
            root / "usr/lib/cyrus/bin/master",
            *("-C", at / "imapd.conf", "-M", at / "cyrus.conf", "-p", at / "master.pid", "-D"),
        ]
        if os.geteuid() == 0:
            for path in (at, *at.rglob("*")):
                os.chown(path, self._owner, user.pw_gid)
            command[:0] = [
                *("setpriv", "--pdeathsig", "TERM", f"--reuid={self._owner}"),
                *(f"--regid={user.pw_gid}", "--clear-groups"),
            ]
        log = at / "start.log"
        self._child = start(command, log, self._environment)
        try:
            wait_for(lambda: greets(self.port), self._child, log)
        except BaseException:
            stop(self._child)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._child)
        remove(self.directory)

    @property
    def ca_file(self) -> str:
        """The authority that its certificate can be verified with."""
        return str(self.authority.ca_file)

    def user(self, name: str, password: str = PASSWORD) -> None:
        """Let a user log in."""
        database = self.directory / "sasldb2"
        local, _, domain = name.partition("@")
        realm = domain or "localhost"
        subprocess.run(
            [self._saslpasswd, "-p", "-c", "-f", database, "-u", realm, local],
            input=password.encode(),
            env=self._environment,
            check=True,
            timeout=20,
        )
        if os.geteuid() == 0:
            os.chown(database, self._owner, pwd.getpwuid(self._owner).pw_gid)

    def deliver(
        self, user: str, mails: Iterable[bytes], folder: str = "INBOX", at: datetime | None = None
    ) -> None:
        """Put mails into a folder that exists."""
        with self.client(user) as client:
            for mail in mails:
                client.append(folder, mail, msg_time=at)


def unpacked() -> Path:
    """Return the tree of the unpacked packages; fetched once and kept.

    Raises:
        ServerMissing: It can't be had; the text says what to do.
    """
    root = Path(f"/var/tmp/leadmail-cyrus-{os.geteuid()}-2")
    if (root / "complete").exists():
        return root
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise ServerMissing("Cyrus is missing: it is fetched with apt-get, which isn't here")
    remove(root)
    root.mkdir(parents=True)
    root.chmod(0o755)
    if not _fetch(root):
        if os.geteuid() == 0:
            _run("apt-get", "update", "-q")
        if not _fetch(root):
            raise ServerMissing(
                "Cyrus is missing: `apt-get download cyrus-imapd` failed; try `apt-get update`"
            )
    for package in root.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, root], check=True, timeout=100)
        package.unlink()
    if lacking := _lacking(root):
        raise ServerMissing(f"Cyrus can't run: install what holds {', '.join(lacking)}")
    (root / "complete").touch()
    return root


def _fetch(root: Path) -> bool:
    """Download Cyrus and those of its libraries that aren't installed; tell whether that worked."""
    wanted, seen = list(_PACKAGES), set[str]()
    while wanted:
        package = wanted.pop()
        if package in seen or (package not in _PACKAGES and _is_installed(package)):
            continue
        seen.add(package)
        asked = subprocess.run([*_DEPENDS, package], capture_output=True, text=True, check=False)
        named = re.findall(r"^ [ |](?:Pre)?Depends: (lib\S+)$", asked.stdout, re.MULTILINE)
        wanted += [one for one in named if not one.endswith("-perl")]
    command = ["apt-get", "download", "-q", *sorted(seen)]
    return not subprocess.run(
        command, cwd=root, capture_output=True, timeout=300, check=False
    ).returncode


def _is_installed(package: str) -> bool:
    asked = _run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package)
    return asked.stdout.startswith("ii")


def _lacking(root: Path) -> list[str]:
    """Return the shared libraries that nothing provides, by what the loader calls them."""
    programs = [str(root / "usr" / program) for program in _PROGRAMS]
    said = _run("ldd", *programs, environment=_environment(root)).stdout
    return sorted(set(re.findall(r"(\S+) => not found", said)))


def _environment(root: Path) -> dict[str, str]:
    """Return the environment in which the unpacked programs find their libraries."""
    libraries = ":".join(str(path) for path in sorted(root.glob("**/*-linux-gnu")))
    return {**os.environ, "LD_LIBRARY_PATH": libraries}


def _run(
    *command: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=300, check=False
    )


if __name__ == "__main__":
    try:
        unpacked()
    except ServerMissing as missing:
        sys.exit(f"servers: {missing}")
