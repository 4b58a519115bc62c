"""Every connector goes through the same suite: one stand for each provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.contract.gmail_stand import GmailStand
from tests.contract.graph_stand import GraphStand
from tests.contract.stand import ImapStand, Stand
from tests.fakes.google import Google
from tests.fakes.microsoft import Microsoft
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


@pytest.fixture(scope="session")
def microsoft() -> Iterator[Microsoft]:
    """A stand-in for Microsoft for all tests."""
    with Microsoft() as server:
        yield server


STANDS: Mapping[str, Callable[[Any], Stand]] = {
    "dovecot": ImapStand,
    "cyrus": ImapStand,
    "google": GmailStand,
    "microsoft": GraphStand,
}


@pytest.fixture(params=list(STANDS))
def stand(request: pytest.FixtureRequest) -> Iterator[Stand]:
    """A fresh mailbox at one provider."""
    made = STANDS[request.param](request.getfixturevalue(request.param))
    yield made
    made.close()
