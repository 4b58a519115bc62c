"""The end of an Outlook mailbox: nothing is left, and what only its person can end is told."""

from __future__ import annotations

from tests.service.graph.graph_house import GraphHouse

ANNA = "anna@customer.test"


def test_a_disconnection_ends_the_subscription_and_leaves_nothing(served: GraphHouse):
    house = served
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(5):
        house.arrive(person, f"a{number}.1", ANNA)
    mailbox = house.join(person)
    watched = person.subscriptions()

    order = house.disconnect(mailbox)
    unreadable = house.ids("anna")
    house.bell.purge(order)
    house.run_jobs()

    told = house.certificate(order)
    assert 1 == len(watched)
    assert [] == unreadable
    assert [] == list(person.subscriptions())
    assert ["push notifications"] == told["provider"]["ended"]
    assert [] == told["provider"]["failed"]
    # Microsoft has no way to end one app's tokens.
    assert 1 == len(told["provider"]["left_to_person"])
    assert not any(told["residue"].values())
    assert 0 == house.count("mail") + house.count("mailbox") + house.count("mailbox_grant")
    assert [] == list(house.service.redis.keys(f"leadmail:mailbox:{mailbox}:*"))
