"""What the tests of Graph share: a stand-in for Microsoft, and a house whose mail is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.databases import Databases
from tests.fakes.microsoft import Microsoft
from tests.servers.dovecot import Dovecot
from tests.service.api.calls import serve
from tests.service.graph.graph_house import GraphHouse
from worker.embedded import RedisServer


@pytest.fixture
def microsoft() -> Iterator[Microsoft]:
    """A stand-in for Microsoft of this test's own."""
    with Microsoft() as server:
        yield server


@pytest.fixture
def make_graph_house(
    databases: Databases, redis_server: RedisServer, dovecot: Dovecot, microsoft: Microsoft
) -> Iterator[Callable[..., GraphHouse]]:
    """Makes the test's house with settings of its own."""
    made: list[GraphHouse] = []

    def make(**settings: Any) -> GraphHouse:
        made.append(GraphHouse(databases, redis_server, dovecot, microsoft, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def house(make_graph_house: Callable[..., GraphHouse]) -> GraphHouse:
    """A house whose jobs run in this process."""
    return make_graph_house()


@pytest.fixture
def served(house: GraphHouse) -> Iterator[GraphHouse]:
    """A house whose web process Microsoft's notices reach."""
    with serve(house.service) as client:
        house.service.settings.public_url = str(client.base_url).rstrip("/")
        yield house
