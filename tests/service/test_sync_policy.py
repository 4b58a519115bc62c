"""What is never a lead's: the firm's own, everybody's, the blocked, the role that gathers all."""

from __future__ import annotations

import pytest

from mail.address import Address, Domain
from tests.comparison import EQUAL
from tests.house import House
from tests.letters import letter

ANNA, BEN = "anna@customer.test", "ben@other.test"
INFO = "info@customer.test"


def test_the_firms_own_addresses_never_match_even_on_a_lead(house: House):
    user, colleague = house.user(), house.user()
    house.connect(colleague)
    house.write(user, "inside.1", colleague)
    house.write(user, "outside.1", ANNA)

    shown = house.put_lead("anna", ANNA, colleague)
    house.connect(user)

    assert ["outside.1"] == house.ids("anna")
    assert [(colleague, "own")] == [(one.value, one.reason) for one in shown.ignored]


def test_the_firms_own_domain_never_matches(house: House):
    house.set_policy(own_domains=(Domain("firm.test"),))
    user = house.user()
    house.write(user, "inside.1", "colleague@firm.test")
    house.write(user, "outside.1", ANNA)

    house.put_lead("firm", ANNA, domains=["firm.test"])
    house.connect(user)

    assert ["outside.1"] == house.ids("firm")


def test_a_domain_that_becomes_the_firms_own_takes_its_mail_along(house: House):
    user = house.user()
    house.write(user, "outside.1", ANNA)
    house.put_lead("anna", ANNA)
    house.connect(user)

    house.set_policy(own_domains=(Domain("customer.test"),))
    without = house.count("mail")
    house.set_policy(own_domains=())

    assert 0 == without
    assert ["outside.1"] == house.ids("anna")


def test_a_freemail_domain_never_matches_as_a_domain(house: House):
    user = house.user()
    house.write(user, "stranger.1", "stranger@gmail.com")
    house.write(user, "anna.1", "anna@gmail.com")

    shown = house.put_lead("anna", "anna@gmail.com", domains=["gmail.com"])
    house.connect(user)

    assert ["anna.1"] == house.ids("anna")
    assert [("gmail.com", "shared_domain")] == [(one.value, one.reason) for one in shown.ignored]


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    "terms",
    [
        {"blocked_addresses": (Address(BEN),)},
        {"blocked_domains": (Domain("other.test"),)},
    ],
    ids=["an address", "a domain"],
)
def test_a_block_acts_on_the_past_and_lifting_it_brings_the_past_back(
    house: House, terms: dict[str, tuple[str, ...]]
):
    user = house.user()
    house.write(user, "anna.1", ANNA)
    house.write(user, "both.1", ANNA, cc=BEN)
    house.put_lead("anna", ANNA)
    house.connect(user)
    before = house.ids("anna")

    house.set_policy(runs=True, **terms)
    house.write(user, "later.1", ANNA, cc=BEN)
    house.sync()
    blocked, kept = house.ids("anna"), house.count("mail")
    house.set_policy(blocked_addresses=(), blocked_domains=())

    assert ["anna.1", "both.1"] == before
    assert (["anna.1"], 1) == (blocked, kept)
    assert ["anna.1", "both.1", "later.1"] == house.ids("anna")
    assert EQUAL == house.compare()


def test_a_blocked_mail_cannot_be_read_from_the_answer_on(house: House):
    user = house.user()
    house.write(user, "both.1", ANNA, cc=BEN)
    house.put_lead("anna", ANNA)
    house.connect(user)

    house.set_policy(blocked_addresses=(Address(BEN),), runs=False)

    assert 1 == house.count("mail")
    assert [] == house.ids("anna")


def test_a_role_address_is_capped_and_reported_f16(house: House):
    house.set_policy(role_cap=20)
    user = house.user()
    for number in range(300):
        house.deliver(user, letter(f"t{number}.1", INFO, user))
    house.put_lead("info", INFO)

    house.connect(user)
    house.write(user, "later.1", INFO)
    house.sync()

    held = house.count("mail")
    reported = house.rows("SELECT subject FROM change WHERE kind = 'lead.role_capped'")
    assert 20 <= held < 300
    assert "later.1" not in house.ids("info")
    assert 1 == len(reported)


def test_a_role_address_below_the_cap_gets_its_mail_and_a_higher_cap_the_rest_f16(house: House):
    house.set_policy(role_cap=5)
    user = house.user()
    for number in range(400):
        house.deliver(user, letter(f"t{number}.1", INFO, user))
    house.put_lead("info", INFO)
    house.connect(user)

    house.set_policy(role_cap=1000)

    assert EQUAL == house.compare()


def test_policy_holds_on_every_path_f20(house: House):
    house.set_policy(blocked_addresses=(Address(BEN),))
    user = house.user("Deals")
    house.write(user, "backfill.1", ANNA, cc=BEN)
    house.put_lead("anna", ANNA)
    mailbox = house.connect(user, folders=("INBOX",))

    house.write(user, "live.1", ANNA, cc=BEN)
    house.write(user, "chosen.1", ANNA, cc=BEN, folder="Deals")
    house.sync(mailbox)
    house.change(mailbox, folders=("INBOX", "Deals"))
    house.run_jobs()
    house.put_lead("carl", "carl@other2.test")
    house.put_lead("anna", ANNA, "anna@home.test")

    assert 0 == house.count("mail")
    assert 0 == house.count("pending")
