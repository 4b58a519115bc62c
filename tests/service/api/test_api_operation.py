"""What operators look at: alive, ready, and counts that name nobody; and servers that are away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.builders import Letter, Tenant, make_settings
from tests.databases import Databases
from tests.service.api.calls import Crm, serve
from web.metrics import FRESH_SECONDS, Metrics
from worker.boot import Service
from worker.embedded import PostgresServer, RedisServer

AWAY = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
REDIS_AWAY = "redis://127.0.0.1:1/0"


def urls(databases: Databases, redis_server: RedisServer, **changed: str) -> dict[str, str]:
    """Return the URLs of a service, some of them changed."""
    return {
        "url": databases.url,
        "vault_url": databases.vault_url,
        "redis_url": redis_server.url,
        **changed,
    }


@pytest.fixture
def caller(request: Any, module_databases: Databases, module_redis: RedisServer) -> Iterator[Any]:
    """The API of a service of which a server is away."""
    service = Service(make_settings(**urls(module_databases, module_redis, **request.param)))
    with serve(service) as client:
        yield client
    service.close()


@pytest.mark.parametrize(
    ("caller", "away"),
    [
        ({"url": AWAY}, "database"),
        ({"vault_url": AWAY}, "vault"),
        ({"redis_url": REDIS_AWAY}, "redis"),
        ({"url": ""}, "database"),
    ],
    indirect=["caller"],
)
def test_a_process_is_alive_but_not_ready_while_a_server_is_away(caller: httpx.Client, away: str):
    ready = caller.get("/readyz")

    assert 200 == caller.get("/healthz").status_code
    assert 503 == ready.status_code
    assert {away} == {name for name, state in ready.json()["checks"].items() if state != "ok"}


def test_a_ready_process_says_so(crm: Crm):
    answer = crm.client.get("/readyz")

    assert (200, "ready") == (answer.status_code, answer.json()["status"])


def test_a_database_that_is_not_migrated_is_not_ready(
    postgres: PostgresServer, module_redis: RedisServer
):
    empty = postgres.url_of("postgres")
    service = Service(make_settings(empty, empty, module_redis.url))
    with serve(service) as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.health.migrated", set())
        checks = client.get("/readyz").json()["checks"]
    service.close()

    assert {"database": "not migrated", "vault": "not migrated", "redis": "ok"} == checks


@pytest.mark.parametrize("caller", [{"url": AWAY}, {"url": ""}], indirect=True)
def test_calls_are_told_to_come_back_while_the_database_is_away(
    caller: httpx.Client, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO):
        answer = caller.get("/v1/leads", headers={"Authorization": "Bearer lm_crm_x"})

    assert (503, "unavailable") == (
        answer.status_code,
        answer.json()["type"].rpartition("/")[2],
    )
    assert "retry-after" in answer.headers
    assert "nobody" not in answer.text
    assert "server_behind_away" in caplog.text


@pytest.mark.parametrize("caller", [{"url": AWAY}], indirect=True)
def test_metrics_say_that_the_database_is_away(caller: httpx.Client):
    answer = caller.get("/metrics")

    assert 200 == answer.status_code
    assert "leadmail_database_up 0.0" in answer.text


@pytest.mark.parametrize("caller", [{"redis_url": REDIS_AWAY}], indirect=True)
def test_leads_are_taken_in_while_redis_is_away(caller: httpx.Client, api_service: Service):
    tenant = Tenant.of(api_service)
    tenant.mailbox()

    answer = caller.put(
        "/v1/leads/crm-1",
        headers={"Authorization": f"Bearer {tenant.crm}"},
        json={"addresses": ["anna@lead.example"]},
    )

    assert 200 == answer.status_code


def test_metrics_count_by_state_and_route_and_name_nobody(crm: Crm):
    mailbox = crm.tenant.mailbox("ben@firm.example")
    crm.put_lead("crm-secret", "anna@lead.example")
    message = crm.tenant.mail(mailbox, Letter("anna@lead.example", ["ben@firm.example"]))
    crm.get(f"/v1/messages/{message}")

    page = Metrics(crm.tenant.service).page().decode() + crm.client.get("/metrics").text

    assert 'leadmail_mailboxes{state="live"}' in page
    assert 'route="/v1/messages/{message}",status="200"' in page
    for count in ("leadmail_mails_waiting", "leadmail_mails_parked", "leadmail_erasures_open"):
        assert f"\n{count} " in page
    assert "leadmail_database_up 1.0" in page
    for personal in ("anna", "ben@", "crm-secret", message, str(crm.client.base_url)):
        assert personal not in page


def test_metrics_are_counted_seldom_however_often_they_are_asked_for(crm: Crm):
    metrics = Metrics(crm.tenant.service)
    before = metrics.page()
    crm.tenant.mailbox()

    assert FRESH_SECONDS >= 1
    assert before == metrics.page()


@pytest.mark.parametrize("name", ["../app.py", "..%2Fapp.py", "style.css.map"])
def test_only_the_pages_own_files_are_served(crm: Crm, name: str):
    assert 404 == crm.client.get(f"/static/{name}").status_code
    assert 200 == crm.client.get("/static/style.css").status_code
