"""The guards around all tests hold: only loopback, a clean environment, servers that are real."""

from __future__ import annotations

import os
import socket

import pytest
from pytest_socket import SocketConnectBlockedError


def test_only_loopback_is_reachable(free_port):
    with socket.create_server(("127.0.0.1", free_port)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()

    # The guard warns as it raises; either stops the test that tried.
    with socket.socket() as outside, pytest.raises((SocketConnectBlockedError, UserWarning)):
        outside.connect(("192.0.2.1", 80))


def test_the_machines_own_settings_are_not_seen():
    seen = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "DATABASE_URL", "https_proxy", "HTTPS_PROXY"}

    assert set() == seen & set(os.environ)


def test_each_test_has_databases_of_its_own(databases, migrated_template):
    names = [url.split("/")[3].split("?")[0] for url in (databases.url, databases.vault_url)]

    with migrated_template.connect(names[0]) as data, migrated_template.connect(names[1]) as vault:
        tables = [
            connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            for connection in (data, vault)
        ]
        counts = [cursor.fetchone() for cursor in tables]

    assert all(row is not None and int(str(row[0])) > 1 for row in counts)
