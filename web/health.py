"""What a machine asks: alive, ready, and how much of what."""

from __future__ import annotations

from collections.abc import Callable

import redis
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from models.queries import metrics
from models.store import Store
from web.auth import Services
from worker.boot import NotConfigured, Service
from worker.migrate import is_current

router = APIRouter(tags=["operation"])
migrated: set[str] = set()
"""Databases seen at this version's schema; a newer one later is no reason to stop."""


@router.get("/healthz", summary="Is the process alive")
def show_health() -> dict[str, str]:
    """It is, if it answers."""
    return {"status": "ok"}


@router.get("/readyz", summary="Can it serve")
def show_readiness(service: Services) -> JSONResponse:
    """Both databases answer and are migrated, and Redis answers; else 503."""
    checks = {name: check(look, service) for name, look in CHECKS.items()}
    is_ready = all(state == "ok" for state in checks.values())
    body = {"status": "ready" if is_ready else "not ready", "checks": checks}
    return JSONResponse(body, 200 if is_ready else 503)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def show_metrics(request: Request) -> Response:
    """Counts and times; they name nobody."""
    return Response(request.app.state.metrics.page(), media_type=CONTENT_TYPE_LATEST)


def check(look: Callable[[Service], str], service: Service) -> str:
    """Return what a look at a server finds; "away" if it doesn't answer."""
    try:
        return look(service)
    except NotConfigured:
        return "not configured"
    except (SQLAlchemyError, redis.RedisError):
        return "away"


def look_at_database(name: str, store: Store) -> str:
    """Return whether a database answers and has the schema."""
    with store.engine.connect() as connection:
        if name in migrated:
            metrics.ask(connection)
        elif not is_current(name, connection):
            return "not migrated"
    migrated.add(name)
    return "ok"


def look_at_redis(service: Service) -> str:
    """Return whether Redis answers."""
    service.redis.ping()
    return "ok"


CHECKS: dict[str, Callable[[Service], str]] = {
    "database": lambda service: look_at_database("data", service.store),
    "vault": lambda service: look_at_database("vault", service.vault_store),
    "redis": look_at_redis,
}
