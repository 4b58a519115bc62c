"""The IMAP connector against servers that lie, and short patience for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.egress import Egress
from connectors.imap import AccessToken, FetchLimits, ImapAccount, ImapConnector, Password, Security
from tests.contract.conftest import cyrus, dovecot
from tests.servers.authority import Authority, make_authority

__all__ = ["cyrus", "dovecot"]

IMPATIENT = FetchLimits(
    window=3,
    message_bytes=1000,
    line_bytes=4096,
    connect_timeout=timedelta(seconds=2),
    read_timeout=timedelta(seconds=0.4),
    command_timeout=timedelta(seconds=1),
)
RIGHT = Password("right")
Connect = Callable[..., ImapConnector]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority and a certificate for localhost."""
    directory: Path = tmp_path_factory.mktemp("authority")
    return make_authority(directory)


@pytest.fixture
def connect(authority: Authority) -> Iterator[Connect]:
    """Make connectors to a port of this machine, with little patience."""
    made: list[ImapConnector] = []

    def to(
        port: int,
        security: Security = Security.PLAIN,
        auth: Password | AccessToken = RIGHT,
        username: str = "anna",
        limits: FetchLimits = IMPATIENT,
        ca_file: str | None = None,
    ) -> ImapConnector:
        account = ImapAccount("localhost", port, security, username, auth)
        egress = Egress(["localhost"], ca_file=ca_file or str(authority.ca_file))
        made.append(ImapConnector(account, egress, limits))
        return made[-1]

    yield to
    for connector in made:
        connector.close()
