"""A mailbox that cannot be opened as it was given is not connected, and leaves nothing."""

from __future__ import annotations

import pytest

from connectors.egress import Egress
from connectors.errors import (
    CertificateRefused,
    GrantRevoked,
    HostNotAllowed,
    Unreachable,
)
from mail.address import Address
from privacy.contents import Grant, MailboxCard
from tests.house import House
from tests.servers.child import free_port
from tests.servers.hands import PASSWORD
from worker.joining import Joining


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "wrong"}, GrantRevoked),
        ({"port": 0}, Unreachable),
        ({"security": "plain"}, Unreachable),
        ({"host": "127.0.0.2"}, HostNotAllowed),
        ({"host": "localhost", "egress": Egress(("localhost",), None)}, CertificateRefused),
    ],
    ids=["wrong password", "closed port", "TLS port in clear", "host", "certificate"],
)
def test_a_mailbox_that_cannot_be_opened_is_not_connected(
    brief: House, change: dict[str, object], error: type[Exception]
):
    house, user = brief, brief.user()
    given = {"host": "127.0.0.1", "port": house.dovecot.tls_port, "security": "tls"} | change
    if "egress" in change:
        house.service.__dict__["egress"] = given.pop("egress")
    if given["port"] == 0:
        given["port"] = free_port()
    password = str(given.pop("password", PASSWORD))
    card = MailboxCard(
        user="anna",
        address=Address(user),
        host=str(given["host"]),
        port=int(str(given["port"])),
        security=str(given["security"]),
        username=user,
        folders=None,
    )

    with pytest.raises(error):
        Joining(house.service, house.workspace, "test").connect(
            "imap", card, Grant("password", password), None, keeps_since=False
        )

    assert 0 == house.count("mailbox")
