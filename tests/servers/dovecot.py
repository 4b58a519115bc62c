"""A private Dovecot: any user, any login, mails loaded as files and therefore fast."""

from __future__ import annotations

import grp
import os
import pwd
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from imapclient import imap_utf7

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
from tests.servers.introspection import Introspection

_PROGRAM = "/usr/sbin/dovecot"
_CONFIGURATION = """
base_dir = {at}/run
state_dir = {at}/state
instance_name = leadmail-{port}
log_path = {at}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
last_valid_uid = 0
mail_uid = {user}
mail_gid = {group}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_cache_size = 0
mail_location = maildir:~/Maildir
mail_max_userip_connections = 10000
mailbox_list_index = yes
imap_idle_notify_interval = 30 secs
{extra}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {at}/oauth2.conf.ext
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {at}/users/%u
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={at}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
{special}
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  service_count = 0
  client_limit = 5000
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  client_limit = 10000
  # Failed logins would cost up to 15 seconds.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0600
  }}
}}
service auth {{
  client_limit = 10000
}}
service imap {{
  process_limit = 6000
}}
"""
_SPECIAL = "\n".join(
    f"  mailbox {name} {{\n    special_use = \\{name}\n    auto = create\n  }}"
    for name in ("Drafts", "Sent", "Junk", "Trash", "Archive")
)


class Dovecot(Hands):
    """A Dovecot on loopback; use it in a `with` statement.

    With `has_special_use=False` folders have no roles. `extra` is configuration of your own.
    """

    has_object_ids = False
    has_qresync = True

    def __init__(self, has_special_use: bool = True, extra: str = "") -> None:
        self._has_special_use = has_special_use
        self._extra = extra
        self._delivered = 0
        self.port = 0
        self.tls_port = 0

    def __enter__(self) -> Self:
        if not Path(_PROGRAM).exists():
            raise ServerMissing("Dovecot is missing: apt-get install dovecot-imapd")
        self.directory = private_directory("dovecot")
        self.authority: Authority = make_authority(self.directory / "tls")
        self._owner = NOBODY if os.geteuid() == 0 else os.geteuid()
        self._introspection = Introspection()
        self._configure()
        command: list[str | Path] = [_PROGRAM, "-F", "-c", self.directory / "dovecot.conf"]
        if os.geteuid() == 0:
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, self._owner, self._group)
            command[:0] = [
                "setpriv", "--pdeathsig", "TERM", f"--reuid={self._owner}",
                f"--regid={self._group}", "--clear-groups",
            ]  # fmt: skip
        log = self.directory / "start.log"
        self._child = start(command, log)
        wait_for(lambda: greets(self.port), self._child, log)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._child)
        self._introspection.close()
        remove(self.directory)

    @property
    def ca_file(self) -> str:
        """The authority that its certificate can be verified with."""
        return str(self.authority.ca_file)

    def user(self, name: str, password: str = PASSWORD) -> None:
        """Let a user log in; an OAuth token is good if it reads `good-<name>`."""
        # A file for each: Dovecot looks for changes in a file once a second only.
        (self.directory / "users" / name).write_text(f"{name}:{{PLAIN}}{password}\n")

    def deliver(
        self, user: str, mails: Iterable[bytes], folder: str = "INBOX", at: datetime | None = None
    ) -> None:
        """Put mails into a folder that exists, as files; thousands a second."""
        target = self._maildir(user, folder)
        seconds = (at or datetime.now(UTC)).timestamp()
        for mail in mails:
            self._delivered += 1
            name = f"{int(time.time())}.M{self._delivered:09d}P1.host,S={len(mail)}"
            place = target / "tmp" / name
            place.write_bytes(mail)
            os.utime(place, (seconds, seconds))
            os.chown(place, self._owner, self._group)
            place.rename(target / "new" / name)

    @property
    def _group(self) -> int:
        return pwd.getpwuid(self._owner).pw_gid

    def _maildir(self, user: str, folder: str) -> Path:
        root = self.directory / "mail" / user / "Maildir"
        if not root.exists():
            with self.client(user) as client:
                client.select_folder("INBOX")
        if folder == "INBOX":
            return root
        name: bytes = imap_utf7.encode(folder)
        return root / ("." + name.decode().replace("/", "."))

    def _configure(self) -> None:
        at = self.directory
        for part in ("run", "state", "mail", "users"):
            (at / part).mkdir()
        (at / "oauth2.conf.ext").write_text(
            "username_attribute = email\nintrospection_mode = post\n"
            f"introspection_url = {self._introspection.url}\n"
            "active_attribute = active\nactive_value = true\nforce_introspection = yes\n"
        )
        self.port, self.tls_port = free_port(), free_port()
        (at / "dovecot.conf").write_text(
            _CONFIGURATION.format(
                at=at,
                port=self.port,
                tls_port=self.tls_port,
                user=pwd.getpwuid(self._owner).pw_name,
                group=grp.getgrgid(self._group).gr_name,
                certificate=self.authority.certificate,
                key=self.authority.key,
                special=_SPECIAL if self._has_special_use else "",
                extra=self._extra,
            )
        )
