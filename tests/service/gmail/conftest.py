"""What the tests of Gmail share: a stand-in for Google, and a house whose mail is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.databases import Databases
from tests.fakes.google import Google
from tests.servers.dovecot import Dovecot
from tests.service.gmail.gmail_house import GmailHouse
from worker.embedded import RedisServer


@pytest.fixture
def google() -> Iterator[Google]:
    """A stand-in for Google of this test's own."""
    with Google() as server:
        yield server


@pytest.fixture
def make_gmail_house(
    databases: Databases, redis_server: RedisServer, dovecot: Dovecot, google: Google
) -> Iterator[Callable[..., GmailHouse]]:
    """Makes the test's house with settings of its own."""
    made: list[GmailHouse] = []

    def make(**settings: Any) -> GmailHouse:
        made.append(GmailHouse(databases, redis_server, dovecot, google, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def house(make_gmail_house: Callable[..., GmailHouse]) -> GmailHouse:
    """A house whose jobs run in this process."""
    return make_gmail_house()
