"""Single mails: parked without harm, shown once, in the right conversation, counted once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from mail.limits import Limits
from mail.message import Message, parse
from tests.comparison import EQUAL
from tests.house import House
from tests.letters import NOON, letter
from tests.tap import Tap
from worker import intake, jobs
from worker.activity import activity_by_user

ANNA, BEN = "anna@customer.test", "ben@other.test"
EMPTY_PARTS = (
    b"From: anna@customer.test\r\nTo: u@firm.test\r\nMessage-ID: <parts.1>\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n\r\n" * 3000
)


def test_a_mail_that_cannot_be_parsed_is_parked_and_the_others_come_f4(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "before.1", ANNA)
    house.deliver(user, EMPTY_PARTS)
    house.write(user, "after.1", ANNA)

    mailbox = house.connect(user)

    parked, _ = house.mailboxes.parked(str(mailbox), 0, 10)
    assert ["after.1", "before.1"] == house.ids("anna")
    assert ["too-many-parts"] == [row.reason for row in parked]
    assert ("live", None) == house.state(mailbox)
    assert 1 == house.show(mailbox).progress.parked


def test_a_mail_that_is_too_large_is_parked_and_never_downloaded_f4_f25(
    make_house: Callable[..., House], tap: Tap
):
    house = make_house(max_message_bytes=50_000)
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "small.1", ANNA)
    house.write(user, "large.1", ANNA, text="x" * 100_000)

    mailbox = house.connect(user, port=tap.port)

    parked, _ = house.mailboxes.parked(str(mailbox), 0, 10)
    assert ["small.1"] == house.ids("anna")
    assert ["too-large"] == [row.reason for row in parked]
    assert 1 == tap.bodies


def test_a_parked_mail_comes_when_it_is_tried_again_after_a_change_f4(
    make_house: Callable[..., House],
):
    house = make_house(max_message_bytes=50_000)
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "large.1", ANNA, text="x" * 100_000)
    mailbox = house.connect(user)
    before = house.ids("anna")

    house.service.__dict__["settings"] = house.build(max_message_bytes=200_000).settings
    retried = house.mailboxes.retry_parked(str(mailbox))
    house.run_jobs()

    assert [] == before
    assert 1 == retried
    assert EQUAL == house.compare()


def test_a_mail_that_kills_its_worker_is_tried_alone_and_then_parked_f4(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(5):
        house.write(user, f"t{number}.1", ANNA)
    house.write(user, "deadly.1", ANNA)
    mailbox = house.connect(user, runs=False)
    jobs.sync_mailbox(house.service, house.bell.waiting.popleft()[1])

    def die(raw: bytes, limits: Limits) -> Message:
        if b"deadly" in raw:
            # What SIGKILL does: nothing of the run is put in order.
            raise KeyboardInterrupt
        return parse(raw, limits)

    monkeypatch.setattr(intake, "parse", die)
    for _ in range(12):
        try:
            jobs.import_mail(house.service, mailbox)
        except KeyboardInterrupt:
            expire(house)

    parked, _ = house.mailboxes.parked(str(mailbox), 0, 10)
    assert [f"t{n}.1" for n in range(5)] == house.ids("anna")
    assert ["failed-repeatedly"] == [row.reason for row in parked]


def expire(house: House) -> None:
    """Let the time pass after which a killed worker's leases and tries are over."""
    house.rows_changed("UPDATE lease SET until = now()")
    house.rows_changed("UPDATE pending SET retry_at = now()")


def test_a_reused_message_id_hides_no_mail_f14(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "same.1", ANNA, text="The first offer")
    house.write(user, "same.1", ANNA, text="The second one")

    house.connect(user)

    texts = sorted(message.body.text.strip() for message in house.messages("anna"))
    assert ["The first offer", "The second one"] == texts
    assert EQUAL == house.compare()


def test_the_same_mail_in_two_mailboxes_is_shown_once_f14(house: House):
    one, other = house.user(), house.user()
    house.put_lead("anna", ANNA)
    mail = letter("t.1", ANNA, one, cc=other)
    for user in (one, other):
        house.deliver(user, mail)

    mailboxes = [house.connect(one), house.connect(other)]

    shown = house.messages("anna")
    assert 1 == len(shown)
    assert sorted(mailboxes) == sorted(shown[0].mailboxes)
    assert 1 == house.conversations("anna")[0].message_count
    assert 2 == house.count("mail")


def test_the_same_mail_stays_when_one_of_its_mailboxes_goes(house: House):
    one, other = house.user(), house.user()
    house.put_lead("anna", ANNA)
    mail = letter("t.1", ANNA, one, cc=other)
    for user in (one, other):
        house.deliver(user, mail)
    first, second = house.connect(one), house.connect(other)

    house.disconnect(first)
    house.run_jobs()

    assert [(second,)] == [message.mailboxes for message in house.messages("anna")]


def test_a_reply_joins_its_conversation_and_a_subject_alone_does_not_f13(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA, subject="Invoice")
    house.write(user, "t1.2", ANNA, subject="Re: Invoice", answers=["t1.1"])
    house.write(user, "t2.1", ANNA, subject="Re: Invoice")

    house.connect(user)

    assert [1, 2] == sorted(one.message_count for one in house.conversations("anna"))
    assert EQUAL == house.compare()


def test_a_reference_without_a_shared_party_joins_nothing_f13(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.put_lead("ben", BEN)
    house.write(user, "t1.1", ANNA)
    house.write(user, "t2.1", BEN, answers=["t1.1"])

    house.connect(user)

    assert 1 == len(house.conversations("anna"))
    assert 1 == len(house.conversations("ben"))
    assert EQUAL == house.compare()


def test_a_late_parent_joins_two_conversations(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    mailbox = house.connect(user)
    for number in (2, 3):
        house.write(user, f"t1.{number}", ANNA, answers=[f"parent{number}.x"])
        house.sync(mailbox)
    before = len(house.conversations("anna"))

    house.write(user, "parent2.x", ANNA, answers=["parent3.x"])
    house.sync(mailbox)

    assert 2 == before
    assert [3] == [one.message_count for one in house.conversations("anna")]


def test_a_conversation_that_was_joined_is_found_by_its_old_id(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    mailbox = house.connect(user)
    for number in (2, 3):
        house.write(user, f"t1.{number}", ANNA, answers=[f"parent{number}.x"])
        house.sync(mailbox)
    old = [str(one.id) for one in house.conversations("anna")]

    house.write(user, "parent2.x", ANNA, answers=["parent3.x"])
    house.sync(mailbox)

    assert [3, 3] == [len(house.reading.messages(id_, None, 10).items) for id_ in old]


def test_mails_of_a_thread_that_two_mailboxes_bring_at_once_end_in_one_conversation(
    house: House,
):
    users = [house.user() for _ in range(4)]
    house.put_lead("anna", ANNA)
    threads = 25
    for thread in range(threads):
        for number, user in enumerate(users):
            answers = [f"t{thread}.{n}" for n in range(number)]
            house.write(user, f"t{thread}.{number}", ANNA, answers=answers)
    for user in users:
        house.connect(user, runs=False)
    while house.bell.waiting and house.bell.waiting[0][0] == "sync":
        jobs.sync_mailbox(house.service, house.bell.waiting.popleft()[1])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda id_: jobs.import_mail(house.service, id_), house.users))
    house.run_jobs()

    assert [4] * threads == [one.message_count for one in house.conversations("anna")]
    assert EQUAL == house.compare()


def activity(house: House) -> list[tuple[str, int, int]]:
    """Return what is counted of users on the day of the letters."""
    day = NOON.date()
    page = activity_by_user(house.service, house.workspace, day, day, None, 100)
    return [(one.user, one.sent, one.received) for one in page.items]


def test_statistics_are_not_doubled_by_connecting_again(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "in.1", ANNA)
    house.deliver(user, letter("out.1", user, ANNA), folder="Sent")
    mailbox = house.connect(user)
    before = activity(house)

    house.disconnect(mailbox)
    house.run_jobs()
    between = activity(house)
    house.connect(user)

    name = user.partition("@")[0]
    assert [(name, 1, 1)] == before == between == activity(house)


def test_a_mail_sent_from_elsewhere_is_outbound(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.deliver(user, letter("out.1", user, ANNA))
    house.deliver(user, letter("alias.1", "alias@firm.test", ANNA), folder="Sent")
    house.write(user, "in.1", ANNA)

    house.connect(user)

    assert {"out.1": True, "alias.1": True, "in.1": False} == {
        message.head.message_id: message.outbound for message in house.messages("anna")
    }


def test_days_are_counted_by_the_mails_own_date(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "old.1", ANNA, at=NOON - timedelta(days=3))

    house.connect(user)

    assert [] == activity(house)
    page = activity_by_user(
        house.service, house.workspace, date(2026, 10, 30), date(2026, 10, 30), None, 10
    )
    assert [1] == [one.received for one in page.items]
