"""Round trips are what a far-away mailbox costs, so they are counted."""

from __future__ import annotations

import time

import pytest

from connectors.base import Folder
from connectors.imap import FetchLimits, ImapConnector, Password, Security
from tests.contract.mails import letters
from tests.servers.flaky import Flaky
from tests.servers.hands import PASSWORD


@pytest.fixture(params=["dovecot", "cyrus"])
def far_away(request, connect):
    """A mailbox of 50 folders and the line to it; over TLS, as it would be."""
    server = request.getfixturevalue(request.param)
    user = f"far{request.param}"
    server.user(user)
    with server.client(user) as client:
        client.select_folder("INBOX")
        missing = 50 - len(client.list_folders())
        for number in range(missing):
            client.create_folder(f"Folder {number}")
    server.deliver(user, letters(1, 5))
    with Flaky(server.tls_port) as line:
        connector = connect(
            line.port, Security.TLS, Password(PASSWORD), user, FetchLimits(), server.ca_file
        )
        yield server, user, line, connector
        connector.close()


def test_fifty_folders_without_change_cost_at_most_five_round_trips(far_away):
    _, _, line, connector = far_away

    folders = connector.folders()

    assert 50 == len(folders)
    assert all(folder.mark for folder in folders)
    # TLS, the greeting, the login, the list.
    assert line.round_trips <= 5


def test_one_new_mail_costs_two_round_trips_more(far_away):
    server, user, line, connector = far_away
    inbox: Folder = connector.folders()[0]
    cursor = connector.pin(inbox)
    server.deliver(user, letters(6, 6))
    line.forget()

    pages = list(connector.changes(inbox, cursor, None))
    (envelope,) = pages[0].envelopes
    listed = line.round_trips
    (raw,) = connector.fetch([envelope.ref])

    assert "6@test" == envelope.message_id
    assert raw.raw.endswith(b"Guten Tag.\r\n")
    assert 1 == listed
    assert line.round_trips - listed <= 3


def test_a_whole_folder_is_read_without_waiting_for_each_window(far_away):
    server, user, line, _ = far_away
    server.deliver(user, letters(100, 159))
    connector = ImapConnector(far_away[3]._account, far_away[3]._egress, FetchLimits(window=10))
    inbox = connector.folders()[0]
    line.forget()
    line.latency = 0.02
    started = time.monotonic()

    found = [e.ref for page in connector.changes(inbox, None, None) for e in page.envelopes]

    assert len(found) >= 60
    # Windows are asked for ahead: seven of them in less than one wait each.
    assert line.round_trips <= 8
    assert time.monotonic() - started < 5
    connector.close()


def test_the_round_trip_is_known(far_away):
    _, _, line, connector = far_away
    line.latency = 0.03
    connector.folders()

    assert 0.06 <= connector.round_trip.total_seconds() < 2
