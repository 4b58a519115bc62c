"""Many who need a token at once: the provider is asked once, and no newer grant is overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.builders import MASTER_KEY
from tests.service.oauth.ground import Flow
from tests.service.oauth.sides import GMAIL, GRAPH
from worker.grants import fresh_token

SIDES = (GMAIL, GRAPH)


@pytest.fixture
def mailbox(flow: Flow) -> str:
    """A connected mailbox whose token is about to end."""
    mailbox = flow.connect(flow.person())
    flow.expire_token(mailbox)
    flow.tamper.reset()
    return mailbox


def test_f18_twenty_threads_at_once_ask_once(flow: Flow, mailbox: str):
    flow.tamper.delay = 0.3
    row = flow.row(mailbox)

    with ThreadPoolExecutor(20) as pool:
        tokens = list(pool.map(lambda _: fresh_token(flow.service, row), range(20)))

    assert 1 == flow.tamper.refreshes
    assert {flow.grant(mailbox).access_token} == set(tokens)
    assert ("connecting", None) == flow.state(mailbox)


ASK = """
import sys
from concurrent.futures import ThreadPoolExecutor
from models.queries import mailboxes
from worker.boot import boot
from worker.grants import fresh_token
from worker.log import configure
service = boot()
configure("error")
workspace, mailbox = int(sys.argv[1]), int(sys.argv[2])
with service.store.workspace(workspace) as connection:
    row = mailboxes.find(connection, mailbox)
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(10) as pool:
    tokens = set(pool.map(lambda _: fresh_token(service, row), range(10)))
service.close()
print(len(tokens), flush=True)
"""


def environment(flow: Flow) -> dict[str, str]:
    """Return the environment that makes a process of this service."""
    settings = flow.service.settings
    return (
        os.environ
        | flow.side.environment()
        | {
            "DATABASE_URL": settings.database_url,
            "VAULT_DATABASE_URL": settings.vault_database_url,
            "REDIS_URL": settings.redis_url,
            "LEADMAIL_MASTER_KEYS": MASTER_KEY,
        }
    )


def test_f18_two_processes_at_once_ask_once(flow: Flow, mailbox: str):
    flow.tamper.delay = 0.5
    command = [sys.executable, "-c", ASK, str(flow.tenant.id), mailbox]
    both = [
        subprocess.Popen(
            command,
            env=environment(flow),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert all(one.stdout and one.stdout.readline() == "ready\n" for one in both)

    for one in both:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60)[0] for one in both]

    assert ["1\n", "1\n"] == said
    assert 1 == flow.tamper.refreshes
    assert ("connecting", None) == flow.state(mailbox)


def test_no_transaction_is_open_while_the_provider_is_asked(flow: Flow, mailbox: str):
    flow.tamper.delay = 1.0
    query = (
        "SELECT array_agg(query) FROM pg_stat_activity"
        " WHERE datname = current_database() AND starts_with(state, 'idle in')"
    )
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(fresh_token, flow.service, flow.row(mailbox))
        while not flow.tamper.refreshes:
            pass
        with flow.service.store.engine.connect() as connection:
            idle = connection.exec_driver_sql(query).scalar()
        asking.result()

    assert idle is None


def test_f18_a_rotated_refresh_token_is_kept(flow: Flow, mailbox: str):
    flow.tamper.on_answer = lambda said: said | {"refresh_token": "1//rotated"}

    fresh_token(flow.service, flow.row(mailbox))

    assert "1//rotated" == flow.grant(mailbox).secret


def test_f18_what_comes_back_late_never_overwrites_a_newer_grant(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person)
    flow.expire_token(mailbox)
    flow.tamper.on_answer = lambda said: said | {"refresh_token": "1//of the old grant"}
    flow.tamper.delay = 1.0
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(fresh_token, flow.service, flow.row(mailbox))
        while not flow.tamper.refreshes:
            pass
        # The person agrees anew meanwhile.
        flow.reseal(mailbox, {"secret": "1//newer", "expires_at": "2099-01-01T00:00:00+00:00"})
        flow.alter(
            "UPDATE mailbox_grant SET version = version + 1 WHERE mailbox_id = :m", m=mailbox
        )
        asking.result()

    assert "1//newer" == flow.grant(mailbox).secret
