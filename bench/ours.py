"""Leadmail as it runs: the Procfile's processes on an embedded, durable PostgreSQL and Redis."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from bench.mailserver import OWNER, PASSWORD
from bench.meter import Cost, family, forget_peaks, peak_mb, processor_seconds
from bench.reader import Reader
from mail.address import Address, Domain
from models.mailbox import State
from privacy.contents import Grant, MailboxCard
from tests.servers.child import free_port, start, stop
from worker.boot import Service
from worker.broker import NAMESPACE
from worker.embedded import PostgresServer, RedisServer
from worker.joining import Joining
from worker.leads import Leads
from worker.migrate import migrate
from worker.settings import Settings
from worker.shown import LeadGiven
from worker.workspaces import create_workspace

_ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 900.0
_LOOK_EVERY = 0.02
_BY = "bench"
ALL = ("web", "worker", "purge", "watcher", "clock")
"""What `leadmail up` runs."""
QUIET = ("web", "worker")
"""Where round trips are counted: the watcher's and the clock's own would be among them."""


class TooSlow(Exception):
    """Something that was waited for didn't happen; the worker's log is in the text."""


class Ours:
    """A house of our own, empty at first; use it in a `with` statement."""

    def __init__(self, ca_file: str, processes: Sequence[str] = ALL) -> None:
        self._names = processes
        self._directory = Path(tempfile.mkdtemp(prefix="lm-bench-", dir="/tmp"))
        self.postgres = PostgresServer(self._directory / "pg")
        self._redis = RedisServer(self._directory / "redis")
        self._ca_file = ca_file
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self.postgres.start()
            self._redis.start()
            migrate(self.postgres.url, self.postgres.vault_url)
            environment = {
                "DATABASE_URL": self.postgres.url,
                "VAULT_DATABASE_URL": self.postgres.vault_url,
                "REDIS_URL": self._redis.url,
                "LEADMAIL_MASTER_KEYS": urlsafe_b64encode(os.urandom(32)).decode(),
                "LEADMAIL_ALLOW_HOSTS": "127.0.0.1",
                "LEADMAIL_CA_FILE": self._ca_file,
                "LEADMAIL_LOG_LEVEL": "warning",
                "PORT": str(free_port()),
            }
            os.environ.update(environment)
            # The doorbell's queue is built where the actors are imported, of the environment.
            sys.modules.pop("worker.actors", None)
            self.service = Service(Settings())
            for name in self._names:
                self._run(name)
            self.workspace, key = create_workspace(self.service, "Bench")
            self.reader = Reader(int(environment["PORT"]), key.secret)
            self._looker = self.postgres.connect("leadmail")
            self._wait_for_worker()
            self.wait_for(self.reader.is_served)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._running.values():
            stop(child, 30)
        if "reader" in self.__dict__:
            self.reader.__exit__()
        if "service" in self.__dict__:
            self.service.close()
        if "_looker" in self.__dict__:
            self._looker.close()
        self._redis.stop()
        self.postgres.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def put_leads(self, addresses: Sequence[str], domains: Sequence[str] = ()) -> None:
        """Make one lead of each address and each domain."""
        given = [
            *(LeadGiven(f"a{n}", "A", (Address(one),), ()) for n, one in enumerate(addresses)),
            *(LeadGiven(f"d{n}", "D", (), (Domain(one),)) for n, one in enumerate(domains)),
        ]
        Leads(self.service, self.workspace, _BY).put(given)

    def connect(self, port: int, security: str, user: str = OWNER) -> int:
        """Connect a mailbox, which begins its sync; return its id."""
        card = MailboxCard(user, Address(user), "127.0.0.1", port, security, user)
        joining = Joining(self.service, self.workspace, _BY)
        grant = Grant("password", PASSWORD)
        return joining.connect("imap", card, grant, None, keeps_since=False).id

    def sync(self, mailbox: int) -> None:
        """Ring for a mailbox, as the watcher and the clock do."""
        self.service.doorbell.sync([mailbox])

    def measured(self, begin: Callable[[], object], is_done: Callable[[], bool]) -> Cost:
        """Return what the worker spent from the call to the moment at which it is done."""
        os.sync()
        workers, servers = family(self._running["worker"].pid), family(self.postgres.pid or 0)
        forget_peaks(workers)
        spent, served = processor_seconds(workers), processor_seconds(servers)
        began = time.monotonic()
        begin()
        self.wait_for(is_done)
        return Cost(
            time.monotonic() - began,
            processor_seconds(workers) - spent,
            peak_mb(workers),
            server_cpu=processor_seconds(family(self.postgres.pid or 0)) - served,
        )

    def wait_for(self, is_done: Callable[[], bool]) -> None:
        """Wait, looking now and then.

        Raises:
            TooSlow: It wasn't done within a quarter of an hour, or a process ended.
        """
        ends = time.monotonic() + _PATIENCE
        while not is_done():
            ended = [name for name, child in self._running.items() if child.poll() is not None]
            if ended or time.monotonic() > ends:
                raise TooSlow(f"{ended} {self._said()}")
            time.sleep(_LOOK_EVERY)

    def is_covered(self, mailboxes: int) -> bool:
        """Tell whether so many mailboxes were synced to their end, and nothing waits."""
        query = (
            "SELECT count(*) = %s AND bool_and(covered) AND NOT EXISTS"
            " (SELECT FROM pending WHERE reason IS NULL) FROM ("
            "SELECT bool_and(coalesce(remaining = 0, false)"
            " AND searched_version >= (SELECT max(version) FROM policy)) AS covered"
            " FROM folder GROUP BY mailbox_id) AS each"
        )
        return bool(self._ask(query, mailboxes))

    def mailbox(self) -> int:
        """Return the one mailbox's id."""
        return int(str(self._ask("SELECT min(id) FROM mailbox")))

    def stored(self) -> int:
        """Return how many mails are stored."""
        return int(str(self._ask("SELECT count(*) FROM mail")))

    def round(self) -> object:
        """Return when the last whole round over the mailbox ended."""
        return self._ask("SELECT max(last_synced_at) FROM mailbox")

    def is_round_after(self, before: object) -> bool:
        """Tell whether another round over the mailbox has ended, and nothing waits."""
        return self.round() != before and self.is_covered(1)

    def is_watched(self) -> bool:
        """Tell whether a watcher has taken the mailbox; it logs in soon after."""
        return self._ask("SELECT count(*) > 0 FROM lease WHERE kind = 'watch'") is True

    def is_live(self) -> bool:
        """Tell whether the mailbox calls itself live."""
        return self._ask("SELECT bool_and(state = %s) FROM mailbox", State.LIVE) is True

    def ended(self, order: int) -> tuple[float, float]:
        """Return after how many seconds an erasure had destroyed the keys, and was verified."""
        times = "extract(epoch FROM shredded_at - requested_at)::float8,"
        times += " extract(epoch FROM verified_at - requested_at)::float8"
        with self.postgres.connect("leadmail_vault") as vault:
            row = vault.execute(
                f"SELECT {times} FROM erasure WHERE id = {order}".encode()
            ).fetchone()
        assert row is not None
        return float(str(row[0])), float(str(row[1]))

    def _ask(self, query: str, *values: object) -> object:
        row = self._looker.execute(query.encode(), values).fetchone()
        return row[0] if row else None

    def _run(self, name: str) -> None:
        lines = (_ROOT / "Procfile").read_text().splitlines()
        commands = dict(line.split(": ", 1) for line in lines)
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        command = ["/bin/sh", "-c", f"exec {commands[name]}"]
        log = self._directory / f"{name}.log"
        self._running[name] = start(command, log, os.environ | {"PATH": path})
        time.sleep(0.1)

    def _wait_for_worker(self) -> None:
        """Wait until the worker has answered a ring for a mailbox that isn't there."""
        if "worker" in self._running:
            self.service.doorbell.sync([0])
            self.wait_for(lambda: not self.service.redis.hlen(f"{NAMESPACE}:sync.msgs"))

    def _said(self) -> str:
        texts = []
        for name in self._names:
            with suppress(OSError):
                log = (self._directory / f"{name}.log").read_text(errors="replace")
                texts.append(f"{name}: {log[-1500:]}")
        return "\n".join(texts)
