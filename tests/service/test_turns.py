"""Never more calls at once for a mailbox than are allowed, whoever makes them and dies (F9)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Lock, Thread

import pytest

from connectors.errors import Paced
from worker.broker import connect_redis
from worker.embedded import RedisServer
from worker.turns import MailboxTurns

LONG = timedelta(seconds=30)


@pytest.fixture
def make_turns(redis_server: RedisServer) -> Callable[..., MailboxTurns]:
    """Makes a worker's turns of one mailbox, three at once; it doesn't wait for one."""
    return partial(
        MailboxTurns, partial(connect_redis, redis_server.url), 7, 3, others_wait=lambda: True
    )


def test_eight_workers_never_have_more_turns_than_there_are_f9(redis_server: RedisServer):
    lock, under_way, most, had = Lock(), 0, 0, 0

    def work() -> None:
        nonlocal under_way, most, had
        turns = MailboxTurns(partial(connect_redis, redis_server.url), 7, 3)
        for _ in range(5):
            with turns.turn(LONG):
                with lock:
                    under_way, had = under_way + 1, had + 1
                    most = max(most, under_way)
                time.sleep(0.01)
                with lock:
                    under_way -= 1

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 3 == most
    assert 40 == had


def test_turns_are_all_taken_until_one_is_given_back(make_turns):
    turns = make_turns()
    for name in "abc":
        assert turns.take(name, LONG)

    with pytest.raises(Paced), turns.turn(LONG):
        pass
    turns.give_back("b")

    with turns.turn(LONG):
        assert not turns.take("d", LONG)
    assert turns.take("d", LONG)


def test_the_turns_of_the_dead_end_and_nothing_of_them_stays(make_turns):
    turns = make_turns()
    for name in "abc":
        assert turns.take(name, timedelta(seconds=1))

    refused = turns.take("d", LONG)
    time.sleep(1.1)
    taken = turns.take("d", timedelta(seconds=0.1))

    assert (False, True) == (refused, taken)
    assert 0 < turns.client().ttl(turns.name) <= 2


def test_without_redis_nothing_is_asked(own_redis: RedisServer):
    turns = MailboxTurns(partial(connect_redis, own_redis.url), 7, 3)
    own_redis.kill()

    with pytest.raises(Paced), turns.turn(LONG):
        pass
