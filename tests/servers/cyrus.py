"""A private Cyrus: the second opinion on IMAP, unpacked beside the system without installing."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
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

# Debian's package conflicts with Dovecot's, so it is only unpacked, with what it is linked to.
_PACKAGES = (
    "cyrus-imapd cyrus-common sasl2-bin libsasl2-2 libsasl2-modules-db libclamav12 libical3 "
    "libxapian30 libzephyr4 libmspack0 libpcre3 libicu72 libjansson4 libpq5 libldap-2.5-0 libwrap0"
).split()
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
        root = _unpacked()
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
        libraries = ":".join(str(path) for path in sorted(root.glob("**/*-linux-gnu")))
        self._environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
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


def _unpacked() -> Path:
    """Return the tree of the unpacked packages; fetched once and kept."""
    root = Path(f"/var/tmp/leadmail-cyrus-{os.geteuid()}")
    if (root / "complete").exists():
        return root
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise ServerMissing("Cyrus is missing: it is fetched with apt-get, which isn't here")
    remove(root)
    root.mkdir(parents=True)
    root.chmod(0o755)
    command = ["apt-get", "download", "-q", *_PACKAGES]
    fetched = subprocess.run(command, cwd=root, capture_output=True, timeout=300, check=False)
    if fetched.returncode and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-q"], capture_output=True, timeout=300, check=False)
        fetched = subprocess.run(command, cwd=root, capture_output=True, timeout=300, check=False)
    if fetched.returncode:
        raise ServerMissing(f"Cyrus is missing: `{' '.join(command)}` failed")
    for package in root.glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, root], check=True, timeout=100)
        package.unlink()
    (root / "complete").touch()
    return root
