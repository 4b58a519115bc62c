"""A CRM that calls the API of a service on real servers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from sqlalchemy import event

from tests.builders import Tenant
from web.app import create_app
from worker.boot import Service


@dataclass(slots=True)
class Crm:
    """A client with the key of a workspace."""

    client: httpx.Client
    tenant: Tenant

    def call(
        self, method: str, path: str, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        """Make a call, as an admin unless another key is given."""
        headers = {"Authorization": f"Bearer {key or self.tenant.admin}", **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        """Return what a call that must succeed shows."""
        answer = self.call("GET", path, **more)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    def put_lead(self, lead: str = "crm-1", *addresses: str, **more: Any) -> Any:
        """Create or replace a lead."""
        body = {"name": "Anna", "addresses": list(addresses), **more}
        answer = self.call("PUT", f"/v1/leads/{lead}", json=body)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    def purge(self, erasure: str) -> None:
        """Do what the purge process does; rings that nobody has heard are lost, as they may be."""
        service = self.tenant.service
        service.redis.flushall()
        assert service.purge.run(int(erasure))


@contextmanager
def serve(service: Service) -> Iterator[httpx.Client]:
    """Serve a service's API on loopback, by this process, and yield a client of it."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(service), port=0, log_config=None, log_level="warning")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        yield client
    server.should_exit = True
    thread.join(10)


@contextmanager
def counted_statements(service: Service) -> Iterator[list[str]]:
    """Yield a list that receives every statement that both databases are sent."""
    statements: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engines = (service.store.engine, service.vault_store.engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
