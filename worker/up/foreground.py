"""Brings everything up in order, keeps it up, and takes it down in the reverse order."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from shlex import quote
from threading import Event

import typer

from worker.demo.server import DemoServer
from worker.demo.stand_ins import StandIn, stand_ins
from worker.embedded import PostgresServer, RedisServer
from worker.embedded.child import NotStarted, tail
from worker.embedded.place import private_directory
from worker.up.home import master_keys, owned, write_environment
from worker.up.processes import RELEASE, Supervised, commands, end_all, run_once

READY = timedelta(seconds=90)
DEATHS_BEFORE_READY = 3
DRAIN = timedelta(seconds=30)
TICK_SECONDS = 0.1
ANSWER_SECONDS = 2
BACKLOG = 512


def up(host: str, port: int, data: Path, *, demo: bool) -> int:
    """Run everything until SIGTERM or SIGINT; return the exit code.

    Port 0 takes a free one. It speaks to standard output; each process has its log in `data`.
    """
    run = Running(host, port, data)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, run.on_signal)
    try:
        run.all(demo=demo)
    except NotStarted as error:
        typer.echo(f"leadmail up: {error}", err=True)
        return 1
    return 0


@dataclass
class Running:
    """One run of `up`, from the port to the end."""

    host: str
    port: int
    data: Path
    signals: int = 0
    over: Event = field(default_factory=Event)
    servers: list[PostgresServer | RedisServer] = field(default_factory=list)
    processes: list[Supervised] = field(default_factory=list)
    listener: socket.socket = field(default_factory=socket.socket)
    log: Path = Path()

    def on_signal(self, *_: object) -> None:
        """End in order; a second signal ends at once."""
        self.signals += 1
        self.over.set()

    def all(self, *, demo: bool) -> None:
        """Start the servers, migrate, start the processes, and watch over them.

        Raises:
            NotStarted: Something can't be had; the text says what.
        """
        with ExitStack() as stack:
            self.listener = stack.enter_context(listen(self.host, self.port))
            self.port = self.listener.getsockname()[1]
            home = stack.enter_context(owned(self.data))
            self.log = private_directory(home / "log")
            settings = self.settings(home, stack)
            server = DemoServer.at(home / "demo") if demo else None
            if server:
                allowed = (os.environ.get("LEADMAIL_ALLOW_HOSTS"), "127.0.0.1")
                settings["LEADMAIL_ALLOW_HOSTS"] = ",".join(filter(None, allowed))
            played = stand_ins(home, settings["LEADMAIL_PUBLIC_URL"]) if demo else []
            for stand_in in played:
                settings |= stand_in.settings()
            write_environment(home, settings)
            environment = dict(os.environ) | absolute_paths() | settings
            environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
            environment |= {"HOST": self.host, "PORT": str(self.port)}
            environment["LISTEN_FD"] = str(self.listener.fileno())
            stack.callback(self.end)
            self.start(environment, server, played)
            if not self.wait_until_ready():
                return
            say(f"ready: http://{in_url(self.host)}:{self.port}")
            if server:
                self.load_demo(environment, home)
            while not self.over.wait(TICK_SECONDS):
                self.check()

    def settings(self, home: Path, stack: ExitStack) -> dict[str, str]:
        """Return the settings that weren't given; start the servers that they name."""
        given = os.environ
        settings = {
            "LEADMAIL_DATA": str(home),
            "LEADMAIL_PUBLIC_URL": given.get("LEADMAIL_PUBLIC_URL")
            or f"http://{in_url(self.host)}:{self.port}",
            "LEADMAIL_MASTER_KEYS": given.get("LEADMAIL_MASTER_KEYS") or master_keys(home),
        }
        names = ("DATABASE_URL", "VAULT_DATABASE_URL", "REDIS_URL")
        settings |= {name: given[name] for name in names if given.get(name)}
        named = {"DATABASE_URL", "VAULT_DATABASE_URL"} & settings.keys()
        if len(named) == 1:
            raise NotStarted("set both DATABASE_URL and VAULT_DATABASE_URL, or neither")
        if not named:
            postgres = stack.enter_context(PostgresServer(home / "postgres"))
            self.servers.append(postgres)
            settings |= {"DATABASE_URL": postgres.url, "VAULT_DATABASE_URL": postgres.vault_url}
        if "REDIS_URL" not in settings:
            bell = stack.enter_context(RedisServer(home / "redis"))
            self.servers.append(bell)
            settings["REDIS_URL"] = bell.url
        return settings

    def start(
        self, environment: dict[str, str], server: DemoServer | None, played: list[StandIn]
    ) -> None:
        """Migrate, then start the processes, unless a signal comes first.

        Raises:
            NotStarted: The migration failed.
        """
        procfile = commands()
        log = self.log / f"{RELEASE}.log"
        log.unlink(missing_ok=True)
        code = run_once(procfile.pop(RELEASE), environment, log, self.over.is_set)
        if self.over.is_set():
            return
        if code:
            raise NotStarted(f"the databases could not be migrated: {tail(log)}")
        if server:
            if server.listens:
                raise NotStarted(f"port {server.port}, the demo's mail server's, is taken")
            procfile = {"mail": server.shell_command, **procfile}
        procfile = {each.name: each.shell_command for each in played} | procfile
        for name, command in procfile.items():
            keep = (self.listener.fileno(),) if name == "web" else ()
            process = Supervised(name, command, environment, self.log / f"{name}.log", keep)
            self.processes.append(process)
            process.start()

    def wait_until_ready(self) -> bool:
        """Return whether requests are served; False when a signal came first.

        Raises:
            NotStarted: They aren't within a minute and a half, or the web process keeps dying.
        """
        deadline = time.monotonic() + READY.total_seconds()
        deaths = 0
        while not self.over.wait(TICK_SECONDS):
            deaths += self.check().count("web")
            if all(process.runs for process in self.processes) and self.answers("/readyz"):
                return True
            if deaths == DEATHS_BEFORE_READY or time.monotonic() > deadline:
                raise NotStarted(f"requests are not served: {tail(self.log / 'web.log')}")
        return False

    def answers(self, path: str) -> bool:
        """Return whether a page answers 200."""
        loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not bound
        target = loopback.get(self.host, self.host)
        connection = http.client.HTTPConnection(target, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def check(self) -> list[str]:
        """Start again what has died; return its names, and say them."""
        died = []
        for server in self.servers:
            if server.revive():
                say(f"{type(server).__name__} had died and was started again; see {server.log}")
        for process in self.processes:
            code = process.check()
            if code is not None:
                say(f"{process.name} ended with {code} and is started again; see {process.log}")
                died.append(process.name)
        return died

    def load_demo(self, environment: dict[str, str], home: Path) -> None:
        """Fill the demo and say how to see it; keep the processes up meanwhile."""

        def over() -> bool:
            self.check()
            return self.over.is_set()

        # Not to a log: it says a key and a link that signs in.
        code = run_once(f"{quote(sys.executable)} -m worker.demo", environment, None, over)
        if code and not self.over.is_set():
            say(f"the demo could not be loaded; the service runs. See {home / 'log'}")

    def end(self) -> None:
        """End all processes; a second signal doesn't wait for what they have in hand."""
        say("stopping")
        self.listener.close()
        end_all(self.processes, DRAIN, lambda: self.signals > 1)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; port 0 takes a free one.

    It is opened here and inherited by the web process: a taken port is known before anything
    starts, nobody can take it later, and callers wait while that process is started again.

    Raises:
        NotStarted: Another process listens there, or the host isn't this machine's.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind)
    except OSError as error:
        raise NotStarted(f"{host} is no address of this machine: {error.strerror}") from None
    try:
        # Connections of an earlier run may still linger.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by each connection; the web server can't tell that it should set it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise NotStarted(f"port {port} on {host} can't be had: {error.strerror}") from None
    return listener


def in_url(host: str) -> str:
    """Return the host as a URL writes it."""
    return f"[{host}]" if ":" in host else host


def absolute_paths() -> dict[str, str]:
    """Return the settings that name files, so that they hold in another directory too."""
    names = ("LEADMAIL_CA_FILE",)
    return {name: str(Path(os.environ[name]).absolute()) for name in names if os.environ.get(name)}


def say(line: str) -> None:
    """Write a line to whoever started us."""
    with suppress(BrokenPipeError):
        typer.echo(line)
