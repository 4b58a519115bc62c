"""The web process: the API, the pages, and what operators look at."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from anyio import to_thread
from fastapi import FastAPI

from web import frame, health, hooks, openapi, problems
from web.api import (
    connecting,
    conversations,
    delegations,
    erasures,
    leads,
    mailboxes,
    policy,
    statistics,
)
from web.metrics import Counted, Metrics
from web.pages import connect, console
from web.pages.visit import SignedOut, to_start
from worker.boot import Service, boot
from worker.log import configure

THREADS = 30
"""Calls served at once, beyond which they wait: each holds at most one connection a database."""

DESCRIPTION = """\
Mail between a workspace's people and its leads, as conversations. Every call needs an API key
(`Authorization: Bearer …`) and sees the key's workspace only. Lists are
`{"items": […], "next": cursor or null}`, with `?limit=` and `?cursor=`. Times are RFC 3339 in
UTC, ids are opaque. Errors are problems as of RFC 9457. A POST may bear an `Idempotency-Key`:
repeated within a day, it gets the first answer and does nothing again.
"""


def create_app(service: Service | None = None) -> FastAPI:
    """Return the application; without a service, the one that the environment describes."""
    is_own = service is None
    service = service or boot()
    if is_own:
        configure(service.settings.log_level)
        for name in ("uvicorn", "uvicorn.error"):
            # Its own lines are text, and its traces hold what exceptions say.
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = True
    built = service

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield
        if is_own:
            built.close()

    app = FastAPI(
        title="Leadmail",
        version="1",
        description=DESCRIPTION,
        lifespan=live,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.service = service
    problems.install(app, service)
    app.add_exception_handler(SignedOut, lambda _request, _error: to_start())
    for router in (
        leads.router,
        conversations.router,
        connecting.router,
        delegations.router,
        mailboxes.router,
        erasures.router,
        policy.router,
        statistics.router,
        health.router,
        openapi.router,
        console.router,
        connect.router,
        hooks.router,
    ):
        app.include_router(router)
    app.openapi = partial(openapi.describe, app)  # type: ignore[method-assign]  # as documented
    app.state.metrics = Metrics(service)
    app.add_middleware(frame.Frame, service=service)
    app.add_middleware(Counted, metrics=app.state.metrics)
    return app
