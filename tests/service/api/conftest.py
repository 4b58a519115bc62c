"""A service on real servers, its API served on loopback, and CRMs that call it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.builders import Tenant, make_settings
from tests.databases import Databases
from tests.service.api.calls import Crm, serve
from worker.boot import Service
from worker.embedded import RedisServer
from worker.log import configure


@pytest.fixture(scope="session", autouse=True)
def process_logs() -> None:
    """Log as a process does, so that tests see what an operator would."""
    configure("info")


@pytest.fixture(scope="module")
def api_service(module_databases: Databases, redis_for_all: RedisServer) -> Iterator[Service]:
    """A service whose databases are this module's; each test has a workspace of its own."""
    with pytest.MonkeyPatch.context() as patch:
        # The actors read the environment when they are first imported.
        patch.setenv("REDIS_URL", redis_for_all.url)
        service = Service(
            make_settings(module_databases.url, module_databases.vault_url, redis_for_all.url)
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
