"""Every connector goes through the same suite: one stand for each provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.gmail_stand import GmailStand
from tests.contract.stand import ImapStand, Stand
from tests.fakes.google import Google
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


@pytest.fixture(scope="session")
def google() -> Iterator[Google]:
    """A stand-in for Google for all tests."""
    with Google() as server:
        yield server


@pytest.fixture(params=["dovecot", "cyrus", "google"])
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    """A fresh mailbox at one provider."""
    server = request.getfixturevalue(request.param)
    made: Stand = GmailStand(server) if request.param == "google" else ImapStand(server)
    yield made
    made.close()
