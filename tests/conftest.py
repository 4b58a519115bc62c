"""What all tests share: real servers on loopback, fresh databases, a clean environment."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import skips
from tests.databases import Databases, fresh_databases, migrate_templates
from worker.embedded import PostgresServer, RedisServer

pytest_make_collect_report = skips.pytest_make_collect_report
pytest_runtest_makereport = skips.pytest_runtest_makereport

# What a machine sets for its own sake would change what tests see: a private authority is not
# trusted when SSL_CERT_FILE names another, a proxy takes loopback, a URL names someone's data.
KEPT = {"LEADMAIL_PG_BIN", "LEADMAIL_REDIS_BIN", "LEADMAIL_STORM"}
FOREIGN = (
    *("LEADMAIL_", "GOOGLE_", "GMAIL_", "MICROSOFT_", "GRAPH_API_", "PG", "DRAMATIQ_", "dramatiq_"),
    *("DATABASE_URL", "VAULT_DATABASE_URL", "REDIS_URL", "BROKER_URL", "PORT"),
    *("SSL_CERT_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "HTTPLIB2_CA_CERTS"),
)
for _name in list(os.environ):
    if _name.lower().endswith("_proxy") or (_name.startswith(FOREIGN) and _name not in KEPT):
        del os.environ[_name]
# What `make run` left in the working directory is someone's data.
os.environ["LEADMAIL_DATA"] = "/nowhere"


@pytest.fixture(scope="session")
def short_directory() -> Iterator[Path]:
    """A directory with a short path, as sockets need."""
    path = Path(tempfile.mkdtemp(prefix="lm"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(short_directory: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests; whoever breaks one uses `own_postgres`."""
    with PostgresServer(short_directory / "pg", durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres: PostgresServer) -> PostgresServer:
    """The PostgreSQL for all tests, with its own pair of databases at the current schema."""
    migrate_templates(postgres)
    return postgres


@pytest.fixture
def databases(migrated_template: PostgresServer) -> Iterator[Databases]:
    """A fresh pair of databases for this test."""
    with fresh_databases(migrated_template) as pair:
        yield pair


@pytest.fixture(scope="module")
def module_databases(migrated_template: PostgresServer) -> Iterator[Databases]:
    """A fresh pair of databases for this module's tests together."""
    with fresh_databases(migrated_template) as pair:
        yield pair


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL for this test alone, migrated, to be killed and restarted at will."""
    with PostgresServer(tmp_path / "pg", durable=False) as server:
        migrate_templates(server)
        yield server


@pytest.fixture(scope="session")
def redis_for_all(short_directory: Path) -> Iterator[RedisServer]:
    """A Redis for all tests; use `redis_server`, which is empty."""
    with RedisServer(short_directory / "redis") as server:
        yield server


@pytest.fixture
def redis_server(redis_for_all: RedisServer) -> RedisServer:
    """A Redis that is empty when the test begins; whoever breaks one uses `own_redis`."""
    redis_for_all.flush()
    return redis_for_all


@pytest.fixture(scope="module")
def module_redis(redis_for_all: RedisServer) -> RedisServer:
    """A Redis that is empty when the module begins, for what lives as long as a module."""
    redis_for_all.flush()
    return redis_for_all


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for this test alone, to be killed, flushed and restarted at will."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def free_port() -> int:
    """A port on loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
