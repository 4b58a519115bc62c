"""Every connector goes through the same suite: one stand for each provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.stand import ImapStand, Stand
from tests.servers.child import ServerMissing
from tests.servers.cyrus import Cyrus
from tests.servers.dovecot import Dovecot


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A Dovecot for all tests."""
    try:
        with Dovecot() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def cyrus() -> Iterator[Cyrus]:
    """A Cyrus for all tests."""
    try:
        with Cyrus() as server:
            yield server
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["dovecot", "cyrus"])
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    """A fresh mailbox at one provider."""
    made = ImapStand(request.getfixturevalue(request.param))
    yield made
    made.close()
