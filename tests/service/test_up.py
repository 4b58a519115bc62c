"""`leadmail up` is ready within seconds, names what is in its way, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.foreground import (
    ROOT,
    SERVICE,
    Up,
    command,
    of_this,
    refused,
    running,
    start,
    until_nothing_runs,
)
from worker.embedded import PostgresServer, RedisServer
from worker.settings import Settings
from worker.up.home import write_environment
from worker.up.processes import commands


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A Procfile with a web process and two others."""
    (tmp_path / "service.py").write_text(SERVICE)
    procfile = tmp_path / "Procfile"
    procfile.write_text(
        f"release: true\nweb: {shlex.join((sys.executable, f'{tmp_path}/service.py'))}\n"
        # A master that ends its own children when it is told to end, as the queue's does.
        "worker: sh -c 'sleep 1001 & trap \"kill $!\" TERM; wait'\n"
    )
    return procfile


@pytest.fixture
def servers(postgres: PostgresServer, redis_for_all: RedisServer) -> dict[str, str]:
    """Settings that name servers which are already there."""
    return {
        "DATABASE_URL": postgres.url,
        "VAULT_DATABASE_URL": postgres.vault_url,
        "REDIS_URL": redis_for_all.url,
    }


@pytest.fixture
def up(service: Path, tmp_path: Path) -> Iterator[Up]:
    """A running service with servers of its own."""
    yield from running(start(service, tmp_path / "data"))


@pytest.fixture
def quick_up(service: Path, tmp_path: Path, servers: dict[str, str]) -> Iterator[Up]:
    """A running service on servers that are already there."""
    yield from running(start(service, tmp_path / "data", **servers))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running_however_it_ends(up, number):
    assert 5 == len(of_this(up.home))

    code = up.end(number)

    assert (-9 if number == signal.SIGKILL else 0) == code
    assert set() == until_nothing_runs(up.home)


def test_what_a_process_left_behind_is_ended_too(service, tmp_path, servers):
    service.write_text(service.read_text().replace("trap", ": no trap"))
    up = start(service, tmp_path / "data", **servers)

    assert any("sleep 1001" in line for line in of_this(up.home))
    assert 0 == up.end()
    assert set() == of_this(up.home)


def test_ctrl_c_in_a_terminal_reaches_only_the_owner(quick_up):
    pid = quick_up.process.pid
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for path in lists for child in path.read_text().split()]

    assert 2 == len(children)
    assert os.getpgid(pid) not in {os.getpgid(child) for child in children}


def test_what_dies_is_started_again_while_callers_wait(quick_up):
    first = quick_up.get()

    os.kill(int(first), signal.SIGKILL)
    second = quick_up.get()
    said = quick_up.line()

    assert said.startswith("web ended with -9 and is started again")
    assert first != second
    assert second.isdigit()


def test_a_database_that_dies_is_started_again(up):
    pid = int((up.home / "postgres/data/postmaster.pid").read_text().split()[0])

    os.kill(pid, signal.SIGKILL)

    assert "PostgresServer had died and was started again" in up.line()


def test_a_taken_port_is_named_at_once(service, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = subprocess.run(
            command(service, port, tmp_path / "data"),
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=30,
            check=False,
        )

    said = f"leadmail up: port {port} on 127.0.0.1 can't be had: Address already in use\n"
    assert (1, said) == (done.returncode, done.stderr)
    assert not (tmp_path / "data").exists()


def test_a_second_one_on_the_same_directory_is_told_who_has_it(quick_up, service):
    done = refused(service, quick_up.home)

    assert f"in use by another `leadmail up` (process {quick_up.process.pid})" in done
    assert 1 == done.count("\n")
    assert quick_up.get()


def test_a_restart_finds_the_same_keys_and_a_settings_file_for_others(service, tmp_path):
    seen = []
    for _ in range(2):
        running = start(service, tmp_path / "data")
        settings = (running.home / "environment").read_text()
        seen.append(re.search(r"LEADMAIL_MASTER_KEYS='(.{44})'", settings))
        assert {"DATABASE_URL", "VAULT_DATABASE_URL", "REDIS_URL"} <= set(
            re.findall(r"^(\w+)=", settings, re.MULTILINE)
        )
        assert 0o600 == (running.home / "environment").stat().st_mode & 0o777
        assert 0 == running.end()

    assert seen[0]
    assert seen[1]
    assert seen[0][1] == seen[1][1]


def test_commands_find_what_runs_in_the_directory_unless_they_are_told_otherwise(
    tmp_path, monkeypatch
):
    url, odd = "postgresql://leadmail@/leadmail?host=/run", "a'b\\c d"
    write_environment(tmp_path, {"DATABASE_URL": url, "LEADMAIL_MASTER_KEYS": odd})
    monkeypatch.setenv("LEADMAIL_DATA", str(tmp_path))

    found = Settings()
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/leadmail")
    told = Settings()

    assert (url, odd) == (found.database_url, found.master_keys.get_secret_value())
    assert ("postgresql://elsewhere/leadmail", "") == (
        told.database_url,
        told.master_keys.get_secret_value(),
    )


def test_servers_that_are_named_are_used_and_none_is_started(quick_up, postgres):
    started = of_this(quick_up.home)

    assert 0 == quick_up.end()
    assert not any("postgres" in line or "valkey" in line for line in started)
    postgres.connect().close()


def test_one_database_without_the_other_is_refused(service, tmp_path, servers):
    del servers["VAULT_DATABASE_URL"]

    assert "set both DATABASE_URL and VAULT_DATABASE_URL" in refused(
        service, tmp_path / "data", servers
    )


def test_a_migration_that_fails_is_said_and_ends_it(service, tmp_path, servers):
    service.write_text("release: sh -c 'echo no such column; exit 1'\nweb: sleep 1000\n")

    assert "could not be migrated: no such column" in refused(service, tmp_path / "data", servers)
    assert set() == until_nothing_runs(tmp_path / "data")


def test_a_web_process_that_keeps_dying_is_said_and_ends_it(service, tmp_path, servers):
    service.write_text("release: true\nweb: sh -c 'echo no such module; exit 1'\n")

    assert "requests are not served: no such module" in refused(service, tmp_path / "data", servers)


def test_the_procfile_names_the_contracts_processes():
    assert ["release", "web", "worker", "purge", "watcher", "clock"] == list(commands())
