"""The embedded servers keep what they hold, and nothing of them outlives their owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import redis

from worker.embedded import PostgresServer, RedisServer
from worker.embedded.child import NotStarted

ROOT = Path(__file__).resolve().parents[2]

OWNER = """
import sys, time, pathlib
from worker.embedded import PostgresServer, RedisServer
home = pathlib.Path(sys.argv[1])
pg, redis = PostgresServer(home / "pg").start(), RedisServer(home / "redis").start()
with pg.connect("leadmail") as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
    connection.execute("INSERT INTO kept VALUES (1)")
print(pg.pid, redis.pid, flush=True)
time.sleep(60)
"""


def runs(pid: int) -> bool:
    """Return whether the process lives; one that waits to be reaped does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def until_gone(*pids: int, seconds: float = 15) -> list[int]:
    """Wait for the processes to end; return those that haven't."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def start_owner(home: Path) -> tuple[subprocess.Popen[str], list[int]]:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, home], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert owner.stdout is not None
    with owner.stdout as said:
        return owner, [int(pid) for pid in said.readline().split()]


def table_rows(server: PostgresServer) -> int:
    with server.connect("leadmail") as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(str(row[0]))


def test_a_restart_keeps_the_data_and_the_urls(tmp_path):
    with PostgresServer(tmp_path / "pg") as server, RedisServer(tmp_path / "redis") as bell:
        urls = (server.url, server.vault_url, bell.url)
        with server.connect("leadmail") as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1")
        with redis.Redis.from_url(bell.url) as client:
            client.set("kept", "1")

        server.restart()
        bell.restart()

        assert urls == (server.url, server.vault_url, bell.url)
        assert 1 == table_rows(server)
        assert b"1" == redis.Redis.from_url(bell.url).get("kept")


def test_a_killed_server_starts_again_with_what_it_acknowledged(own_postgres, own_redis):
    with own_postgres.connect("leadmail") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")
    redis.Redis.from_url(own_redis.url).set("kept", "1")

    own_postgres.kill()
    own_redis.kill()
    with pytest.raises(psycopg.OperationalError):
        own_postgres.connect()
    own_postgres.start()
    own_redis.start()

    assert 1 == table_rows(own_postgres)
    assert b"1" == redis.Redis.from_url(own_redis.url).get("kept")


def test_both_databases_are_there_and_apart(postgres):
    with postgres.connect() as connection:
        names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}

    assert {"leadmail", "leadmail_vault"} <= names
    assert postgres.url != postgres.vault_url


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_no_server_outlives_its_owner(tmp_path, number):
    owner, servers = start_owner(tmp_path)
    assert all(runs(pid) for pid in servers)

    owner.send_signal(number)
    owner.wait()

    assert [] == until_gone(*servers)


def test_the_next_owner_takes_over_at_once_from_a_killed_one(tmp_path):
    first, _ = start_owner(tmp_path)
    first.kill()

    second, servers = start_owner(tmp_path)
    try:
        with psycopg.connect(host=str(tmp_path / "pg/run"), user="leadmail") as connection:
            kept = connection.execute("SELECT count(*) FROM kept").fetchone()
    finally:
        second.kill()
        second.wait()
        first.wait()

    assert (2,) == kept
    assert [] == until_gone(*servers)


def test_a_server_started_in_a_thread_lives_on_after_the_thread(tmp_path):
    # The kernel's signal at the parent's death is sent at the death of the parent's thread.
    server = RedisServer(tmp_path)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.2)

    alive = server.pid is not None and runs(server.pid)
    server.stop()

    assert alive


@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "cut short"])
def test_a_leftover_process_id_that_is_someone_elses_now_does_not_stop_it(tmp_path, is_whole):
    server = PostgresServer(tmp_path / "pg")
    server.start()
    pid_file = server.data / "postmaster.pid"
    left = pid_file.read_text().split("\n", 1)[1]
    server.kill()
    pid_file.write_text(f"{os.getppid()}\n{left}" if is_whole else f"{os.getppid()}")

    with server:
        assert server.pid is not None


def test_two_owners_of_one_directory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("worker.embedded.redis.INHERITED", timedelta(0))

    with RedisServer(tmp_path), pytest.raises(NotStarted, match="in use by another process"):
        RedisServer(tmp_path).start()


def test_a_long_path_with_spaces_and_commas_will_do(tmp_path):
    home = tmp_path / "a, long path" / ("d" * 100)

    with PostgresServer(home / "pg") as server, RedisServer(home / "redis") as bell:
        server.connect("leadmail_vault").close()
        sockets = [Path(server.url.partition("host=")[2]), Path(bell.url[7:]).parent]
        assert redis.Redis.from_url(bell.url).ping()

    assert [False, False] == [path.exists() for path in sockets]


def test_nobody_else_can_reach_the_sockets(postgres, redis_for_all):
    sockets = [Path(postgres.url.partition("host=")[2]), Path(redis_for_all.url[7:]).parent]

    assert [0o700, 0o700] == [path.stat().st_mode & 0o777 for path in sockets]


def test_a_directory_of_another_version_is_refused_with_a_remedy(tmp_path):
    server = PostgresServer(tmp_path)
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("9\n")

    with pytest.raises(NotStarted, match=r"written by PostgreSQL 9.*LEADMAIL_PG_BIN"):
        server.start()


def test_binaries_that_are_not_there_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("LEADMAIL_PG_BIN", str(tmp_path))

    with pytest.raises(NotStarted, match="holds no postgres"):
        PostgresServer(tmp_path / "pg")


def test_the_servers_log_says_nothing_of_rows_and_statements(own_postgres):
    with own_postgres.connect("leadmail") as connection:
        connection.execute("CREATE TABLE person (address text PRIMARY KEY)")
        for _ in range(2):
            try:
                connection.execute("INSERT INTO person VALUES (%s)", ["canary@example.com"])
            except psycopg.errors.UniqueViolation:
                continue

    logged = own_postgres.log.read_text()

    assert "duplicate key value" in logged
    assert "canary" not in logged


def everyones_python() -> str | None:
    """Return a Python like this one that every user of this machine may run."""
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (Path(sys.executable).resolve(), Path(system)):
        if path.exists() and all(p.stat().st_mode & 0o005 == 0o005 for p in (path, *path.parents)):
            return str(path)
    return None


needs_two_users = pytest.mark.skipif(
    os.geteuid() != 0 or everyones_python() is None or ROOT.stat().st_mode & 0o005 != 0o005,
    reason="needs root, and a Python and a project that every user can read",
)


def run_for_everyone(
    script: str, home: Path, *wrapper: str, path: str = ""
) -> subprocess.CompletedProcess[str]:
    python = everyones_python()
    assert python is not None
    home.mkdir()
    home.chmod(0o777)
    home.parent.chmod(0o755)
    environment = {
        "HOME": str(home),
        "PATH": path + os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # Not in a directory that the other user may not enter, as Python looks at it first.
    return subprocess.run(
        [*wrapper, python, "-c", script, home],
        capture_output=True,
        cwd="/",
        text=True,
        env=environment,
        check=False,
    )


@needs_two_users
def test_an_ordinary_user_can_run_them(short_directory):
    become = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    script = OWNER.replace("time.sleep(60)", "pg.stop(); redis.stop()")

    done = run_for_everyone(script, short_directory / "ordinary", *become)

    assert (0, "") == (done.returncode, done.stderr)


@needs_two_users
def test_root_without_user_namespaces_falls_back_to_nobody(short_directory, tmp_path):
    refused = tmp_path / "unshare"
    refused.write_text("#!/bin/sh\nexit 1\n")
    refused.chmod(0o755)
    script = """
import pathlib, sys
from worker.embedded import PostgresServer
for _ in ("new", "old"):
    with PostgresServer(pathlib.Path(sys.argv[1]) / "pg") as server:
        server.connect("leadmail").close()
        print(pathlib.Path(f"/proc/{server.pid}").stat().st_uid)
"""

    done = run_for_everyone(script, short_directory / "fallback", path=f"{tmp_path}:")

    assert ("65534\n65534\n", "") == (done.stdout, done.stderr)
