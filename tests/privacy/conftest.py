"""A world for each test: both databases, migrated, with the vault and its keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.privacy.ground import World


@pytest.fixture
def world(databases: Databases) -> Iterator[World]:
    """A world on fresh databases."""
    built = World.at(databases)
    yield built
    built.close()
