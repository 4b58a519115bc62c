"""The end of a Gmail mailbox: nothing is left, and the record names each step at Google."""

from __future__ import annotations

from tests.service.gmail.gmail_house import GmailHouse

ANNA = "anna@customer.test"


def test_a_disconnection_ends_watch_and_grant_and_leaves_nothing(house: GmailHouse):
    house.put_lead("anna", ANNA)
    person = house.person()
    for number in range(5):
        house.arrive(person, f"a{number}.1", ANNA)
    mailbox = house.connect_gmail(person)
    assert person.is_watched()

    order = house.disconnect(mailbox)
    unreadable = house.ids("anna")
    house.bell.purge(order)
    house.run_jobs()

    told = house.certificate(order)
    assert [] == unreadable
    assert not person.is_watched()
    assert not person.is_granted()
    assert 2 == len(told["provider"]["ended"])
    assert [] == told["provider"]["failed"]
    assert not any(told["residue"].values())
    assert 0 == house.count("mail") + house.count("mailbox") + house.count("mailbox_grant")
    assert [] == list(house.service.redis.keys(f"leadmail:mailbox:{mailbox}:*"))
