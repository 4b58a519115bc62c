"""Metrics for Prometheus: requests of this process, and counts from the database.

They name routes and states, never a person, a workspace or an id.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.queries import metrics as queries
from worker.boot import Service

FRESH_SECONDS = 5.0
"""Counts are taken at most so often, whoever asks."""
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one web process."""

    def __init__(self, service: Service) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "leadmail_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "leadmail_http_seconds",
            "Time until the first byte of the answer.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.registry.register(Counts(service))

    def page(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class Counts(Collector):
    """Counts what is in the database, at most every few seconds."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.lock = Lock()
        self.taken_at = 0.0
        self.kept: list[Metric] = []

    def describe(self) -> list[Metric]:
        """Return nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the counts; while a database is away, only that it is."""
        with self.lock:
            now = time.monotonic()
            if not self.kept or now - self.taken_at > FRESH_SECONDS:
                self.kept = self.count()
                self.taken_at = now
            yield from self.kept

    def count(self) -> list[Metric]:
        """Take the counts."""
        up = GaugeMetricFamily("leadmail_database_up", "1 while both databases answer.", 1)
        try:
            with self.service.store.system() as connection:
                states = queries.mailboxes_by_state(connection)
                late = queries.longest_due_seconds(connection)
                waiting, parked = queries.pending_mails(connection)
            with self.service.vault_store.system() as ledger:
                open_, oldest = queries.open_erasures(ledger)
        except SQLAlchemyError:
            return [GaugeMetricFamily("leadmail_database_up", "1 while both databases answer.", 0)]
        mailboxes = GaugeMetricFamily(
            "leadmail_mailboxes", "Connected mailboxes.", labels=("state",)
        )
        for state, count in sorted(states.items()):
            mailboxes.add_metric((state,), count)
        return [
            up,
            mailboxes,
            gauge("leadmail_sync_due_seconds", "How long the longest due sync waits.", late),
            gauge("leadmail_mails_waiting", "Mails that wait to be fetched.", waiting),
            gauge("leadmail_mails_parked", "Mails that couldn't be taken in.", parked),
            gauge("leadmail_erasures_open", "Erasures not verified yet.", open_),
            gauge("leadmail_erasure_oldest_seconds", "Age of the oldest open erasure.", oldest),
        ]


def gauge(name: str, meaning: str, value: float) -> Metric:
    """Return a metric of one number."""
    return GaugeMetricFamily(name, meaning, value)


class Counted:
    """Counts and times requests by their route, which holds no ids."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                method = scope["method"] if scope["method"] in METHODS else "other"
                self.metrics.requests.labels(method, route, message["status"]).inc()
                self.metrics.seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, send_counted)


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
