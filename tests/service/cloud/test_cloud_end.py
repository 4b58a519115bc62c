"""The end of a mailbox at a provider with an API: nothing is left, whatever the provider says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.cloud_house import ANNA, CloudHouse


@pytest.mark.parametrize("what", [0, 1, 2])
def test_whatever_the_provider_answers_the_purge_goes_on_and_says_so(
    served: CloudHouse[Any], what: int
):
    house = served
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    mailbox = house.join(person)
    house.stand_in.fail_next(house.refusals[what], 20, "*")

    order = house.disconnect(mailbox)
    house.bell.purge(order)
    house.run_jobs()

    told = house.certificate(order)
    assert told["provider"]["failed"]
    assert not any(told["residue"].values())
    assert 0 == house.count("mail") + house.count("mailbox")


def test_a_grant_that_is_already_gone_is_no_hindrance(house: CloudHouse[Any]):
    house.put_lead("anna", ANNA)
    person = house.person()
    house.arrive(person, "a.1", ANNA)
    mailbox = house.join(person)
    person.revoke()

    order = house.disconnect(mailbox)
    house.bell.purge(order)
    house.run_jobs()

    assert not any(house.certificate(order)["residue"].values())
