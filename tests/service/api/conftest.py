"""A service on real servers, its API served on loopback, and CRMs that call it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.builders import Tenant, make_settings
from tests.databases import Databases
from tests.servers.dovecot import Dovecot
from tests.servers.hands import PASSWORD
from tests.service.api.calls import Crm, serve
from worker.boot import Service
from worker.embedded import RedisServer
from worker.log import configure

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def process_logs() -> None:
    """Log as a process does, so that tests see what an operator would."""
    configure("info")


@pytest.fixture(scope="module")
def api_service(module_databases: Databases, module_redis: RedisServer) -> Iterator[Service]:
    """A service whose databases are this module's; each test has a workspace of its own."""
    with pytest.MonkeyPatch.context() as patch:
        # The actors read the environment when they are first imported.
        patch.setenv("REDIS_URL", module_redis.url)
        service = Service(
            make_settings(module_databases.url, module_databases.vault_url, module_redis.url)
        )
        service.doorbell.has_waiting("sync")
        yield service
        service.close()


@pytest.fixture(scope="module")
def client(api_service: Service) -> Iterator[httpx.Client]:
    """The API, served by this process."""
    with serve(api_service) as client:
        yield client


@pytest.fixture
def crm(api_service: Service, client: httpx.Client) -> Crm:
    """A CRM with a workspace of its own."""
    return Crm(client, Tenant.of(api_service))


@pytest.fixture(scope="module")
def same_crm(api_service: Service, client: httpx.Client) -> Crm:
    """A CRM whose workspace all tests of a module share, for calls that leave nothing behind."""
    return Crm(client, Tenant.of(api_service))


@pytest.fixture
def other_crm(api_service: Service, client: httpx.Client) -> Crm:
    """Another Client of the CRM on the same service."""
    return Crm(client, Tenant.of(api_service, "Other Ltd"))


@pytest.fixture
def account(dovecot: Dovecot) -> dict[str, Any]:
    """What the CRM sends to connect a mailbox that is there."""
    name = f"api{next(_numbers)}@firm.example"
    dovecot.user(name)
    with dovecot.client(name):
        pass
    return {
        "provider": "imap",
        "user": "u-1",
        "address": name,
        "host": "127.0.0.1",
        "port": dovecot.port,
        "security": "plain",
        "username": name,
        "password": PASSWORD,
    }
