"""A mailbox is connected, and the mails of its leads are there; what comes later comes too."""

from __future__ import annotations

import pytest

from tests.comparison import EQUAL
from tests.house import House
from tests.letters import letter

ANNA, BEN = "anna@customer.test", "ben@other.test"


@pytest.mark.usefixtures("by_scan")
def test_only_the_mails_of_leads_are_taken_in(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(20):
        house.write(user, f"t{number}.1", ANNA if number % 4 == 0 else BEN)

    mailbox = house.connect(user)

    assert 5 == len(house.messages("anna"))
    assert 5 == house.count("mail")
    assert ("live", None) == house.state(mailbox)
    assert 20 == house.show(mailbox).progress.examined
    assert EQUAL == house.compare()


def test_the_comparison_sees_a_lost_and_an_uncalled_mail(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA)
    house.write(user, "t2.1", ANNA)
    house.connect(user)

    house.dovecot.delete(user, [1])
    house.deliver(user, letter("t3.1", ANNA, user))

    found = house.compare()
    assert (1, 1) == (found.lost, found.uncalled)
