"""A grant that works is never destroyed by one that doesn't, nor by a moment's refusal (F18)."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from mail.address import Address
from models.queries import grants, mailboxes
from privacy.contents import Grant, MailboxCard
from tests.comparison import EQUAL
from tests.house import House
from tests.servers.hands import PASSWORD
from tests.tap import Tap, refusing
from worker import clock, jobs
from worker.joining import Joining

ANNA = "anna@customer.test"
REFUSED = refusing(b"LOGIN", b"NO [AUTHENTICATIONFAILED] no")
REFUSED_BEFORE = (
    "UPDATE mailbox SET problem = 'authentication-failed', failures = 1, due_at = now()"
)
STALL_SECONDS = 1.1
"""Dovecot looks for changes in a file once a second only."""


def let_time_pass(house: House) -> None:
    """Let the clock tick when everything that was put off is due."""
    house.rows_changed("UPDATE mailbox SET due_at = now() WHERE due_at IS NOT NULL")
    house.service.redis.flushall()
    clock.tick(house.service)
    house.run_jobs()


def change_password(house: House, user: str, password: str) -> None:
    """Let the mail server know another password for a user."""
    time.sleep(STALL_SECONDS)
    path = house.dovecot.directory / "users" / user
    path.write_text(f"{user}:{{PLAIN}}{password}\n")


def renew(house: House, user: str, port: int, password: str) -> None:
    """Give a mailbox the new password, as the person does."""
    card = MailboxCard(
        user=user.partition("@")[0],
        address=Address(user),
        host="127.0.0.1",
        port=port,
        security="plain",
        username=user,
        folders=None,
    )
    Joining(house.service, house.workspace, "test").connect(
        "imap", card, Grant("password", password), None, keeps_since=True
    )


@pytest.mark.parametrize("work", ["sync", "import"])
def test_a_grant_renewed_while_the_old_one_is_being_refused_stays_good_f18(
    house: House, tap: Tap, work: str
):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA)
    mailbox = house.connect(user, port=tap.port, runs=False)
    if work == "import":
        jobs.sync_mailbox(house.service, mailbox)
    # Refused once before, so that the next refusal would be the last.
    house.rows_changed(REFUSED_BEFORE)

    def stall_login(line: bytes) -> None:
        if line.partition(b" ")[2].upper().startswith(b"LOGIN"):
            tap.weather = None
            change_password(house, user, "another password")
            renew(house, user, tap.port, "another password")

    tap.weather = stall_login
    house.bell.waiting.clear()
    run = {"sync": jobs.sync_mailbox, "import": jobs.import_mail}[work]
    run(house.service, mailbox)
    after = house.rows("SELECT problem, due_at <= now() AS is_due FROM mailbox")
    # What the fenced import had in hand is tried again when its lease would have ended.
    house.rows_changed("UPDATE pending SET retry_at = now()")
    house.bell.fetch(mailbox)
    house.run_jobs()
    change_password(house, user, PASSWORD)

    assert [(None, True)] == [tuple(row) for row in after]
    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


def test_a_grant_refreshed_while_the_old_one_is_being_refused_stays_good_f18(
    house: House, tap: Tap
):
    user = house.user()
    mailbox = house.connect(user, port=tap.port)
    house.rows_changed(REFUSED_BEFORE)

    def refuse(line: bytes) -> bytes | None:
        if line.partition(b" ")[2].upper().startswith(b"LOGIN"):
            with house.store.workspace(house.workspace) as connection:
                row = mailboxes.grant(connection, mailbox)
                assert row is not None
                assert grants.swap(connection, mailbox, row.version, row.sealed)
        return REFUSED(line)

    tap.weather = refuse
    house.sync(mailbox)
    during = house.state(mailbox)
    tap.weather = None
    let_time_pass(house)

    assert ("failing", "authentication-failed") == during
    assert ("live", None) == house.state(mailbox)


def test_a_single_refusal_needs_nobody_f18(house: House, tap: Tap):
    user = house.user()
    house.put_lead("anna", ANNA)
    mailbox = house.connect(user, port=tap.port)
    house.write(user, "t1.1", ANNA)

    tap.weather = REFUSED
    house.sync(mailbox)
    during = house.state(mailbox)
    tap.weather = None
    let_time_pass(house)

    assert ("failing", "authentication-failed") == during
    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


def test_two_refusals_parted_by_a_success_need_nobody_f18(house: House, tap: Tap):
    mailbox = house.connect(house.user(), port=tap.port)

    states = []
    for weather in (REFUSED, None, REFUSED):
        tap.weather = weather
        house.sync(mailbox)
        states.append(house.state(mailbox)[0])

    assert ["failing", "live", "failing"] == states


def test_a_sync_that_lost_its_lease_says_nothing_of_the_mailbox(
    make_house: Callable[..., House], tap: Tap
):
    house = make_house()
    mailbox = house.connect(house.user(), port=tap.port)

    def lose_lease(line: bytes) -> bytes | None:
        if line.partition(b" ")[2].upper().startswith(b"LIST"):
            house.rows_changed("UPDATE lease SET epoch = epoch + 1 WHERE kind = 'sync'")
            return line.partition(b" ")[0] + b" NO not today\r\n"
        return None

    tap.weather = lose_lease
    house.sync(mailbox)

    assert ("live", None) == house.state(mailbox)
