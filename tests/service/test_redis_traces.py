"""What queues hold: integers only, and nothing of what is erased, wherever a message lies."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, get_type_hints

import dramatiq
import orjson
import pytest
import redis

from tests.house import House
from tests.processes import until
from worker.broker import NAMESPACE, build_broker
from worker.doorbell import Doorbell
from worker.lease import Work
from worker.traces import clear_redis, count_in_redis

GONE, OTHER = 41, 42


@pytest.fixture
def client(house: House) -> redis.Redis:
    """An empty Redis."""
    house.service.redis.flushall()
    return house.service.redis


def order(mailbox_id: int) -> Any:
    """Return an order to erase a mailbox, as far as Redis is concerned."""
    return SimpleNamespace(mailbox_id=mailbox_id)


@pytest.mark.parametrize("work", list(Work))
def test_a_message_is_counted_wherever_it_lies(house: House, client: redis.Redis, work: Work):
    broker = build_broker(house.service.settings)
    broker.declare_queue(work)
    messages: list[dramatiq.Message[None]] = [
        dramatiq.Message(work, "actor", (id_,), {}, {"redis_message_id": f"m{id_}"})
        for id_ in (GONE, OTHER)
    ]
    counts = []
    for delay in (None, 60_000):
        for message in messages:
            broker.enqueue(message, delay=delay)
        counts.append(count_in_redis(client, order(GONE))["redis.message"])
    consumer = broker.consume(work, prefetch=2)
    for taken in (next(consumer), next(consumer)):
        assert taken is not None
        consumer.nack(taken)
    counts.append(count_in_redis(client, order(GONE))["redis.message"])

    clear_redis(client, order(GONE))

    assert [1, 2, 2] == counts
    assert 1 == count_in_redis(client, order(GONE))["redis.message"]
    assert 2 == count_in_redis(client, order(OTHER))["redis.message"]
    assert 1 == client.zcard(f"{NAMESPACE}:{work}.XQ")


@pytest.fixture
def bell(house: House, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Doorbell:
    """The doorbell that workers hear, at the test's own Redis."""
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    from worker import actors

    broker = build_broker(house.service.settings)
    for name in ("sync_mailbox", "import_mail", "erase"):
        monkeypatch.setattr(getattr(actors, name), "broker", broker)
        broker.declare_actor(getattr(actors, name))
    return Doorbell(client)


def test_what_waits_to_begin_is_not_rung_for_again(bell: Doorbell, client: redis.Redis):
    def waiting() -> int:
        return int(client.llen(f"{NAMESPACE}:import"))

    for _ in range(50):
        bell.fetch(GONE)
    at_first = waiting()
    bell.answer("import", GONE)
    bell.fetch(GONE)
    bell.fetch(OTHER)

    assert (1, 3) == (at_first, waiting())


def test_a_ring_that_redis_lost_is_rung_again(
    bell: Doorbell, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("worker.doorbell.RUNG_SECONDS", 1)
    bell.fetch(GONE)
    client.delete(f"{NAMESPACE}:import", f"{NAMESPACE}:import.msgs")

    def is_rung() -> bool:
        bell.fetch(GONE)
        return bool(client.llen(f"{NAMESPACE}:import"))

    assert not is_rung()
    assert until(is_rung, 10)


def test_every_message_holds_nothing_but_integers(bell: Doorbell, client: redis.Redis):
    from worker import actors

    bell.sync([GONE])
    bell.fetch(GONE)
    bell.purge(GONE)

    bodies = [
        orjson.loads(body)
        for queue in ("sync", "import", "purge")
        for body in client.hvals(f"{NAMESPACE}:{queue}.msgs")
    ]
    assert [[GONE]] * 3 == [body["args"] for body in bodies]
    assert [{}] * 3 == [body["kwargs"] for body in bodies]
    assert {"redis_message_id"} == {option for body in bodies for option in body["options"]}
    for actor in actors.broker.actors.values():
        hints = get_type_hints(actor.fn)
        assert {int, type(None)} == set(hints.values())
