"""The bytes of past mail that are fetched of a mailbox on one day."""

from __future__ import annotations

from collections.abc import Callable

from tests.house import House

ANNA = "anna@customer.test"


def test_the_past_rests_when_the_days_bytes_are_used_up_and_live_mail_comes_f25(
    make_house: Callable[..., House],
):
    house = make_house(imap_day_bytes=150_000, batch_bytes=2**20)
    house.put_lead("anna", ANNA)
    user = house.user()
    for number in range(6):
        house.write(user, f"past{number}.1", ANNA, folder="Archive", text="word " * 60_000)
    mailbox = house.connect(user)
    before = house.count("mail")
    rests = house.rows("SELECT paced_until > now() AS later FROM mailbox")[0].later

    house.write(user, "live.1", ANNA)
    house.sync(mailbox)
    live = house.ids("anna")
    house.service.redis.flushall()
    house.rows_changed("UPDATE mailbox SET paced_until = now()")
    house.rows_changed("UPDATE pending SET retry_at = now()")
    house.bell.fetch(mailbox)
    house.run_jobs()
    after = house.count("mail")

    assert 0 < before < 6
    assert rests
    assert "live.1" in live
    assert 7 == after
    assert ("live", None) == house.state(mailbox)
