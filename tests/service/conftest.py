"""What the service's tests share: a mail server for all, and a house for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.databases import Databases
from tests.house import House
from tests.servers.dovecot import Dovecot
from tests.tap import Tap
from worker import planner
from worker.embedded import RedisServer


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A mail server for all tests; each makes users of its own."""
    with Dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def bare_dovecot() -> Iterator[Dovecot]:
    """A mail server that reports no removals and lists no marks."""
    bare = "IMAP4rev1 LITERAL+ UIDPLUS MOVE IDLE SPECIAL-USE NAMESPACE ENABLE"
    with Dovecot(extra=f"protocol imap {{\n  imap_capability = {bare}\n}}") as server:
        yield server


@pytest.fixture(scope="session")
def gmail_like() -> Iterator[Dovecot]:
    """A mail server with a folder that holds all mail."""
    folder = '  mailbox "All Mail" {\n    special_use = \\All\n    auto = create\n  }'
    with Dovecot(extra=f"namespace inbox {{\n{folder}\n}}") as server:
        yield server


@pytest.fixture
def make_house(
    databases: Databases, redis_server: RedisServer, dovecot: Dovecot
) -> Iterator[Callable[..., House]]:
    """Makes the test's house with settings of its own, or on another mail server."""
    made: list[House] = []

    def make(server: Dovecot = dovecot, **settings: Any) -> House:
        made.append(House(databases, redis_server, server, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A house whose jobs run in this process."""
    return make_house()


@pytest.fixture
def brief(make_house: Callable[..., House]) -> House:
    """A house that waits for a silent mail server for a few seconds only."""
    return make_house(mail_timeout_seconds=4.0)


@pytest.fixture
def tap(dovecot: Dovecot) -> Iterator[Tap]:
    """A tap on the line to the mail server."""
    with Tap(dovecot.port) as one:
        yield one


@pytest.fixture(params=["server reports removals", "server reports nothing"])
def either_house(request: pytest.FixtureRequest, make_house: Callable[..., House]) -> House:
    """A house on a mail server with QRESYNC, and one on a server without."""
    name = "dovecot" if request.param == "server reports removals" else "bare_dovecot"
    return make_house(request.getfixturevalue(name))


@pytest.fixture
def by_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches are so dear that the past is always listed."""
    monkeypatch.setattr(planner, "SEARCH_LEAST", timedelta(seconds=1))


@pytest.fixture
def by_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listings are so dear that the past is always searched."""
    monkeypatch.setattr(planner, "SCAN_NEAR", timedelta(seconds=1))
    monkeypatch.setattr(planner, "SCAN_FAR", timedelta(seconds=1))


@pytest.fixture(params=["by scan", "by search"])
def either_way(request: pytest.FixtureRequest) -> str:
    """Whether the past is listed or searched."""
    request.getfixturevalue(str(request.param).replace(" ", "_"))
    return str(request.param)
