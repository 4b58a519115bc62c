"""A mailbox's units at its provider: never more than the quota, and some kept for live mail."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from threading import Thread
from time import monotonic, sleep

import pytest

from connectors.errors import Paced
from worker.broker import connect_redis
from worker.budget import MailboxBudget
from worker.embedded import RedisServer

A_MINUTE = 6000


@pytest.fixture
def budget(redis_server: RedisServer) -> MailboxBudget:
    """A full bucket that never waits by itself."""
    return MailboxBudget(
        partial(connect_redis, redis_server.url), 7, A_MINUTE, others_wait=lambda: True
    )


def spend_all(budget: MailboxBudget, units: int, *, live: bool) -> int:
    """Spend as long as there is something; return how much it was."""
    spent = 0
    while True:
        try:
            budget.spend(units, live=live)
        except Paced:
            return spent
        spent += units


def test_no_sixty_seconds_see_more_than_the_quota(budget: MailboxBudget):
    began = monotonic()

    spent = spend_all(budget, 20, live=True)

    refilled = budget.rate * (monotonic() - began + 60)
    assert budget.capacity <= spent + 20
    assert budget.capacity + budget.rate * 60 == A_MINUTE
    assert spent <= budget.capacity + refilled


def test_a_quota_of_ten_minutes_is_kept_in_ten_minutes(redis_server: RedisServer):
    budget = MailboxBudget(
        partial(connect_redis, redis_server.url),
        7,
        10_000,
        others_wait=lambda: True,
        window=timedelta(minutes=10),
    )

    spent = spend_all(budget, 100, live=True)

    assert 10_000 == budget.capacity + budget.rate * 600
    assert budget.capacity - 100 <= spent <= budget.capacity + 100


def test_workers_beside_each_other_spend_from_one_bucket(budget: MailboxBudget):
    began = monotonic()
    spent: list[int] = []
    threads = [
        Thread(target=lambda: spent.append(spend_all(budget, 20, live=True))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(spent) <= budget.capacity + budget.rate * (monotonic() - began) + 1


def test_backfill_leaves_a_part_to_live_mail(budget: MailboxBudget):
    backfilled = spend_all(budget, 20, live=False)
    live = spend_all(budget, 20, live=True)

    assert backfilled < budget.capacity
    assert budget.reserve <= live + 20


def test_a_pause_of_the_provider_is_everybodys(budget: MailboxBudget):
    budget.drain(timedelta(seconds=30))

    with pytest.raises(Paced) as paced:
        budget.spend(20, live=True)

    assert timedelta(seconds=25) < paced.value.retry_after < timedelta(seconds=35)


def test_after_a_pause_nobody_spends_more_at_once_than_the_reserve(budget: MailboxBudget):
    began = monotonic()
    budget.drain(timedelta(seconds=0.2))
    sleep(0.25)

    backfilled = spend_all(budget, 20, live=False)
    live = spend_all(budget, 20, live=True)

    refilled = budget.rate * (monotonic() - began)
    assert backfilled <= refilled
    assert backfilled + live <= budget.reserve + refilled


def test_a_job_waits_for_units_itself_if_no_other_mailbox_waits(redis_server: RedisServer):
    patient = MailboxBudget(partial(connect_redis, redis_server.url), 7, A_MINUTE)
    spend_all(
        MailboxBudget(partial(connect_redis, redis_server.url), 7, A_MINUTE, lambda: True),
        20,
        live=True,
    )

    began = monotonic()
    patient.spend(40, live=True)

    assert 0.2 < monotonic() - began < 2


def test_what_costs_more_than_the_bucket_holds_waits_for_a_full_one(budget: MailboxBudget):
    budget.spend(50_000, live=False)

    with pytest.raises(Paced):
        budget.spend(20, live=True)


def test_without_redis_nothing_is_spent(own_redis: RedisServer):
    budget = MailboxBudget(partial(connect_redis, own_redis.url), 7, A_MINUTE)
    own_redis.kill()

    with pytest.raises(Paced):
        budget.spend(20, live=True)
