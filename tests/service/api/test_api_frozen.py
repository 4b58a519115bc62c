"""A database that stands still: a caller is told to come back, and it mends by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.builders import Tenant, make_settings
from tests.servers.frozen import frozen
from tests.service.api.calls import serve
from worker.boot import Service
from worker.embedded import PostgresServer, RedisServer

CONNECTING_SECONDS = 5.0
"""For so long a connection to the database is waited for."""
FROZEN_SECONDS = 7.0


@pytest.fixture
def own_service(own_postgres: PostgresServer, redis_server: RedisServer) -> Iterator[Service]:
    """A service on a PostgreSQL that may be stopped."""
    service = Service(make_settings(own_postgres.url, own_postgres.vault_url, redis_server.url))
    yield service
    service.close()


def test_a_caller_is_told_to_come_back_while_the_database_stands_still(
    own_service: Service, own_postgres: PostgresServer
):
    headers = {"Authorization": f"Bearer {Tenant.of(own_service).crm}"}
    with serve(own_service) as client:
        own_service.store.engine.dispose()

        with frozen(own_postgres):
            began = time.monotonic()
            answer = client.get("/v1/leads", headers=headers, timeout=30)
            took = time.monotonic() - began
        after = client.get("/v1/leads", headers=headers, timeout=30)

    assert (503, "unavailable") == (
        answer.status_code,
        answer.json()["type"].rpartition("/")[2],
    )
    assert int(answer.headers["retry-after"]) > 0
    assert took < 2 * CONNECTING_SECONDS
    assert 200 == after.status_code


def test_all_callers_are_answered_when_the_database_goes_on(
    own_service: Service, own_postgres: PostgresServer
):
    headers = {"Authorization": f"Bearer {Tenant.of(own_service).crm}"}

    def call(client: httpx.Client) -> httpx.Response:
        return client.get("/v1/leads", headers=headers, timeout=60)

    with serve(own_service) as client, ThreadPoolExecutor(20) as callers:
        assert 200 == call(client).status_code
        with frozen(own_postgres):
            waiting = [callers.submit(call, client) for _ in range(20)]
            time.sleep(FROZEN_SECONDS)
        answers = [one.result() for one in waiting]
        after = call(client)

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert all("retry-after" in one.headers for one in answers if one.status_code == 503)
    assert 200 == after.status_code
