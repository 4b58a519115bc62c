"""Leads come and go: their past is found, and what nothing justifies any more is purged."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from models.queries import purging
from privacy.vault import Vault
from tests.comparison import EQUAL
from tests.house import House
from tests.letters import letter
from tests.tap import Tap
from worker import jobs

ANNA, ANNAS_OTHER, BEN = "anna@customer.test", "anna@home.test", "ben@other.test"


def mixed(house: House) -> str:
    """Give a user a mailbox with the mails of several people."""
    user = house.user()
    for number in range(12):
        house.write(user, f"a{number}.1", ANNA)
        house.write(user, f"h{number}.1", ANNAS_OTHER)
        house.write(user, f"b{number}.1", BEN)
    return user


@pytest.mark.usefixtures("either_way")
def test_the_past_of_a_new_lead_is_found_in_every_mailbox(house: House):
    users = [mixed(house), mixed(house)]
    for user in users:
        house.connect(user)
    none = house.ids("anna") if "anna" in house.leads else []

    house.put_lead("anna", ANNA)

    assert [] == none
    assert 12 * 2 == house.count("mail")
    assert EQUAL == house.compare()


def test_the_past_is_searched_without_reading_other_peoples_mail(
    house: House, tap: Tap, by_search: None
):
    mailbox = house.connect(mixed(house), port=tap.port)
    listed = house.show(mailbox).progress.examined

    house.put_lead("anna", ANNA)

    assert 12 == house.show(mailbox).progress.examined - listed
    assert 12 == tap.bodies
    assert b"UID SEARCH" in tap.verbs()


@pytest.mark.usefixtures("either_way")
def test_a_new_address_of_a_lead_brings_its_past(house: House, tap: Tap):
    house.put_lead("anna", ANNA)
    house.connect(mixed(house), port=tap.port)
    before = len(house.messages("anna"))

    house.put_lead("anna", ANNA, ANNAS_OTHER)

    assert 12 == before
    assert 24 == tap.bodies
    assert EQUAL == house.compare()


@pytest.mark.usefixtures("either_way")
def test_a_lead_known_by_a_domain_gets_the_mail_of_all_its_people(house: House):
    user = house.user()
    for name in ("ceo", "sales", "anna"):
        house.write(user, f"{name}.1", f"{name}@customer.test")
    house.write(user, "near.1", "ceo@sub.customer.test")
    house.write(user, "like.1", "ceo@notcustomer.test")
    house.connect(user)

    house.put_lead("firm", domains=["customer.test"])

    assert ["anna.1", "ceo.1", "sales.1"] == house.ids("firm")
    assert EQUAL == house.compare()


def test_many_leads_at_once_are_searched_for_together(house: House, tap: Tap, by_search: None):
    user = house.user()
    names = [f"lead{number}@customer.test" for number in range(100)]
    for number, name in enumerate(names[::10]):
        house.write(user, f"t{number}.1", name)
    house.connect(user, port=tap.port)
    tap.commands.clear()

    house.put_lead("firm", *names)

    searches = [line for line in tap.commands if b"UID SEARCH" in line.upper()]
    assert 10 == len(house.messages("firm"))
    assert len(searches) <= 4 * len(house.rows("SELECT id FROM folder"))
    assert max(map(len, searches)) < 8192


def test_an_address_taken_away_takes_its_mail_unless_another_lead_has_it(house: House):
    user = mixed(house)
    shared = letter("both.1", ANNAS_OTHER, user, cc=BEN)
    house.deliver(user, shared)
    house.put_lead("anna", ANNA, ANNAS_OTHER)
    house.put_lead("ben", BEN)
    house.connect(user)

    house.put_lead("anna", ANNA)

    assert [f"a{n}.1" for n in sorted(range(12), key=str)] == house.ids("anna")
    assert "both.1" in house.ids("ben")
    assert 12 + 12 + 1 == house.count("mail")
    assert EQUAL == house.compare()


def test_an_erased_lead_takes_its_mail_unless_another_lead_has_it(house: House):
    user = mixed(house)
    house.deliver(user, letter("both.1", ANNA, user, cc=BEN))
    house.put_lead("anna", ANNA)
    house.put_lead("ben", BEN)
    house.connect(user)

    house.erase_lead("anna")
    house.run_jobs()

    assert 13 == len(house.messages("ben"))
    assert 13 == house.count("mail")
    assert EQUAL == house.compare()


def test_an_erased_lead_can_be_made_again_and_its_mail_comes_back(house: House):
    house.put_lead("anna", ANNA)
    house.connect(mixed(house))
    house.erase_lead("anna")
    house.run_jobs()

    house.put_lead("anna", ANNA)

    assert 12 == len(house.messages("anna"))
    assert EQUAL == house.compare()


def test_an_address_that_comes_while_a_mailbox_is_listed_is_not_missed(
    house: House, tap: Tap, by_scan: None
):
    house.put_lead("ben", BEN)

    def put_once(line: bytes) -> None:
        if b" UID FETCH " in line:
            tap.weather = None
            house.put_lead("anna", ANNA, runs=False)

    tap.weather = put_once
    house.connect(mixed(house), port=tap.port)

    assert tap.weather is None
    assert EQUAL == house.compare()


def test_a_lead_that_goes_while_its_mail_is_fetched_leaves_nothing(house: House, tap: Tap):
    house.put_lead("anna", ANNA)
    house.put_lead("ben", BEN)

    def erase_once(line: bytes) -> None:
        if b"BODY.PEEK[]" in line:
            tap.weather = None
            house.erase_lead("anna")

    tap.weather = erase_once
    house.connect(mixed(house), port=tap.port)

    assert tap.weather is None
    assert 12 == house.count("mail")
    assert EQUAL == house.compare()


@pytest.mark.parametrize("at", ["its rows", "its keys"])
def test_a_lead_that_comes_back_after_a_killed_purge_has_all_its_mail(
    house: House, monkeypatch: pytest.MonkeyPatch, at: str
):
    house.put_lead("anna", ANNA)
    house.connect(mixed(house))
    house.put_lead("anna", "anna@nowhere.test", runs=False)
    order = next(id_ for kind, id_ in house.bell.waiting if kind == "purge")

    def die(*_: object) -> None:
        # What SIGKILL does: nothing of the run is put in order.
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        if at == "its rows":
            dying.setattr(purging, "delete_mails", die)
        else:
            dying.setattr(Vault, "shred_messages", die)
        with pytest.raises(KeyboardInterrupt):
            jobs.erase(house.service, order)
    house.put_lead("anna", ANNA)
    with house.service.vault_store.system() as ledger:
        ledger.execute(text("UPDATE erasure SET lease_until = now()"))
    jobs.erase(house.service, order)
    house.run_jobs()

    assert EQUAL == house.compare()
    with house.service.vault_store.workspace(house.workspace) as vault:
        keys = vault.scalar(text("SELECT count(*) FROM message_key"))
    assert house.count("mail") == keys
