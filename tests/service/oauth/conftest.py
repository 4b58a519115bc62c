"""A service that is registered at a stand-in, and a person who connects a mailbox."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.builders import Tenant, make_settings
from tests.databases import Databases
from tests.house import Bell
from tests.service.api.calls import Crm
from tests.service.oauth.ground import RETURN, Flow, new_browser, serving
from tests.service.oauth.sides import GMAIL, Side, side_of
from worker.boot import Service
from worker.embedded import RedisServer
from worker.integration import put_return_urls
from worker.log import configure
from worker.settings import Settings


@pytest.fixture(scope="module", autouse=True)
def process_logs() -> Iterator[None]:
    """Log as a process does at its most talkative, so that tests see what an operator could."""
    configure("debug")
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    yield
    configure("info")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a module's tests over each of its `SIDES`; over Google if it names none."""
    if "side" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("over")
        sides = only.args if only else getattr(metafunc.module, "SIDES", (GMAIL,))
        metafunc.parametrize("side", sides, indirect=True, scope="module")


@pytest.fixture(scope="module")
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    """A provider's stand-in, and who stands between the service and its token endpoint."""
    one = side_of(request.param)
    yield one
    one.close()


@pytest.fixture(autouse=True)
def goes_well(side: Side) -> None:
    """Each test begins with a stand-in that goes well, and nobody who changes anything."""
    side.go_well()


@pytest.fixture(scope="module")
def more_settings() -> dict[str, str]:
    """What a module sets beside the registration."""
    return {}


@pytest.fixture(scope="module")
def oauth_service(
    module_databases: Databases,
    module_redis: RedisServer,
    side: Side,
    more_settings: dict[str, str],
) -> Iterator[Service]:
    """A service whose pages are served where the provider sends browsers back to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        side.stand_in.allow_redirect(f"{url}/oauth/callback")
        side.stand_in.allow_redirect(f"{url}/elsewhere")
        settings = make_settings(
            module_databases.url,
            module_databases.vault_url,
            module_redis.url,
            LEADMAIL_PUBLIC_URL=url,
            **{named(name): value for name, value in (side.environment() | more_settings).items()},
        )
        service = Service(settings)
        service.__dict__["doorbell"] = Bell()
        with serving(service, listening):
            yield service
        service.close()


def named(setting: str) -> str:
    """Return how a setting is given to the constructor: by its field, or by its alias."""
    field = Settings.model_fields.get(setting.lower())
    return setting if field is None or field.validation_alias else setting.lower()


@pytest.fixture(scope="module")
def client(oauth_service: Service) -> Iterator[httpx.Client]:
    """What CRMs call the API with."""
    with httpx.Client(
        base_url=oauth_service.settings.public_url, timeout=30, trust_env=False
    ) as client:
        yield client


@pytest.fixture
def make_flow(
    oauth_service: Service, side: Side, client: httpx.Client
) -> Iterator[Callable[..., Flow]]:
    """Makes a CRM with a workspace of its own, and a person with a browser."""
    made: list[Flow] = []

    def make(name: str = "Example Ltd") -> Flow:
        tenant = Tenant.of(oauth_service, name)
        put_return_urls(oauth_service, tenant.id, [RETURN])
        made.append(Flow(oauth_service, side, Crm(client, tenant), new_browser()))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def flow(make_flow: Callable[[], Flow]) -> Flow:
    """A CRM with a workspace of its own, and a person with a browser."""
    return make_flow()


@pytest.fixture
def bell(flow: Flow) -> Iterator[Bell]:
    """The doorbell, silent at first."""
    bell = flow.service.doorbell
    assert isinstance(bell, Bell)
    bell.waiting.clear()
    yield bell
    bell.waiting.clear()
