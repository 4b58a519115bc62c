"""A service that is registered at a stand-in for Google, and a person who connects a mailbox."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.builders import Tenant, make_settings
from tests.databases import Databases
from tests.fakes.google import Google
from tests.house import Bell
from tests.service.api.calls import Crm
from tests.service.oauth.ground import RETURN, Flow, new_browser, serving
from tests.service.oauth.tamper import Tamper
from worker.boot import Service
from worker.embedded import RedisServer
from worker.integration import put_return_urls
from worker.log import configure


@pytest.fixture(scope="module", autouse=True)
def process_logs() -> Iterator[None]:
    """Log as a process does at its most talkative, so that tests see what an operator could."""
    configure("debug")
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    yield
    configure("info")


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    """The stand-in."""
    with Google() as server:
        yield server


@pytest.fixture(scope="module")
def tamper(google: Google) -> Iterator[Tamper]:
    """Who stands between the service and the token endpoint."""
    one = Tamper(google.environment()["GOOGLE_TOKEN_URL"])
    yield one
    one.close()


@pytest.fixture(autouse=True)
def goes_well(google: Google, tamper: Tamper) -> None:
    """Each test begins with a stand-in that goes well, and nobody who changes anything."""
    google.go_well()
    tamper.reset()
    google.configure({"sends_iss": True, "code_lasts": 600, "access_token_lasts": 3599})


@pytest.fixture(scope="module")
def oauth_service(
    module_databases: Databases, module_redis: RedisServer, google: Google, tamper: Tamper
) -> Iterator[Service]:
    """A service whose pages are served where Google sends browsers back to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        google.allow_redirect(f"{url}/oauth/callback")
        google.allow_redirect(f"{url}/elsewhere")
        registered = google.environment() | {
            "GOOGLE_TOKEN_URL": tamper.url,
            "GOOGLE_KEYS_URL": f"{google.url}/oauth2/v3/certs",
        }
        settings = make_settings(
            module_databases.url,
            module_databases.vault_url,
            module_redis.url,
            LEADMAIL_PUBLIC_URL=url,
            **{name.lower(): value for name, value in registered.items()},
        )
        service = Service(settings)
        service.__dict__["doorbell"] = Bell()
        with serving(service, listening):
            yield service
        service.close()


@pytest.fixture(scope="module")
def client(oauth_service: Service) -> Iterator[httpx.Client]:
    """What CRMs call the API with."""
    with httpx.Client(
        base_url=oauth_service.settings.public_url, timeout=30, trust_env=False
    ) as client:
        yield client


@pytest.fixture
def make_flow(
    oauth_service: Service, google: Google, client: httpx.Client, tamper: Tamper
) -> Iterator[Callable[..., Flow]]:
    """Makes a CRM with a workspace of its own, and a person with a browser."""
    made: list[Flow] = []

    def make(name: str = "Example Ltd") -> Flow:
        tenant = Tenant.of(oauth_service, name)
        put_return_urls(oauth_service, tenant.id, [RETURN])
        made.append(Flow(oauth_service, google, Crm(client, tenant), tamper, new_browser()))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def flow(make_flow: Callable[[], Flow]) -> Flow:
    """A CRM with a workspace of its own, and a person with a browser."""
    return make_flow()
