"""What holds at every provider with an API is shown at each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.api.calls import serve
from tests.service.cloud_house import CloudHouse
from tests.service.gmail.conftest import google, make_gmail_house
from tests.service.graph.conftest import make_graph_house, microsoft

__all__ = ["google", "make_gmail_house", "make_graph_house", "microsoft"]


@pytest.fixture(params=["gmail", "graph"])
def house(request: pytest.FixtureRequest) -> CloudHouse[Any]:
    """A house whose mail is at one of them."""
    made: CloudHouse[Any] = request.getfixturevalue(f"make_{request.param}_house")()
    return made


@pytest.fixture
def served(house: CloudHouse[Any]) -> Iterator[CloudHouse[Any]]:
    """A house whose web process the provider's notices reach."""
    with serve(house.service) as client:
        house.service.settings.public_url = str(client.base_url).rstrip("/")
        yield house
