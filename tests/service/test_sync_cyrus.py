"""The same service on a second, independent mail server: Cyrus, with lasting ids (RFC 8474)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.comparison import EQUAL
from tests.house import House
from tests.letters import letter
from tests.servers.child import ServerMissing
from tests.servers.cyrus import Cyrus

LEAD = "ada@prospect.test"


@pytest.fixture(scope="module")
def cyrus() -> Iterator[Cyrus]:
    """A Cyrus for this module."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(Cyrus())
        except ServerMissing as missing:
            pytest.skip(str(missing))
        yield server


@pytest.fixture
def cyrus_house(make_house: Callable[..., House], cyrus: Cyrus) -> House:
    """A house whose mailboxes are on Cyrus."""
    return make_house(cyrus)


def test_a_mailbox_on_cyrus_comes_in_goes_on_and_leaves_nothing(cyrus_house: House) -> None:
    house = cyrus_house
    user = house.user("Offers")
    house.put_lead("ada", LEAD)
    for number in range(20):
        sender = LEAD if number % 3 == 0 else f"someone{number}@elsewhere.test"
        house.deliver(user, letter(f"m{number}@x", sender, user))

    mailbox = house.connect(user)

    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()
    house.write(user, "later@x", LEAD)
    house.sync(mailbox)
    assert "later@x" in house.ids("ada")
    assert EQUAL == house.compare()
    order = house.disconnect(mailbox)
    house.run_jobs()
    assert order
    assert 0 == house.count("mail")


def test_a_mail_in_two_folders_is_stored_once_by_its_lasting_id(cyrus_house: House) -> None:
    house = cyrus_house
    user = house.user("Offers")
    house.put_lead("ada", LEAD)
    house.write(user, "copied@x", LEAD)
    with house.dovecot.client(user) as client:
        client.select_folder("INBOX")
        client.copy(client.search(), "Offers")

    house.connect(user)

    assert 1 == house.count("mail")
    assert 2 == house.count("place")


def test_a_moved_mail_is_neither_lost_nor_stored_again(cyrus_house: House) -> None:
    house = cyrus_house
    user = house.user("Offers")
    house.put_lead("ada", LEAD)
    house.write(user, "moved@x", LEAD)
    mailbox = house.connect(user)
    before = house.rows("SELECT id FROM mail")

    with house.dovecot.client(user) as client:
        client.select_folder("INBOX")
        client.move(client.search(), "Offers")
    house.sync(mailbox)
    house.sync(mailbox)

    assert before == house.rows("SELECT id FROM mail")
    assert EQUAL == house.compare()
