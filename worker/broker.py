"""The queue: dramatiq on Redis or RabbitMQ, carrying nothing but ids of due work.

PostgreSQL knows what is due, and the clock rings again for it: so a message may be lost,
doubled or late without harm, is never retried by the queue, and leaves no dead letter.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import dramatiq
import redis
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Middleware, ShutdownNotifications, TimeLimit
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from worker.prefetch import Prefetch
from worker.settings import Settings

NAMESPACE = "leadmail-queue"
HEARTBEAT_MS = 20_000
"""After so long without a sign a worker's messages are given to others."""
LOOK_EVERY_MS = 60
"""An idle worker looks into its queues this often; by default once a second, and a new mail
passes through two queues."""
MAINTENANCE_PER_MILLION = 10_000
"""At the default of 1,000 a killed worker's messages stayed stuck for minutes (measured)."""
DEAD_MESSAGE_MS = 60_000
MESSAGE_AGE_MS = 10 * 60_000
JOB_MS = 10 * 60_000


def connect_redis(url: str) -> redis.Redis:
    """Return a client of Redis, or of the master that a Sentinel names.

    A Sentinel's URL is `redis+sentinel://host:port,host:port/service?db=0`. The client tries
    for about a second when a connection fails; one from a bare URL wouldn't at all.
    """
    retry = Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.01), 4)
    parts = urlsplit(url)
    if parts.scheme == "redis+sentinel":
        hosts = [host.rpartition(":") for host in parts.netloc.rpartition("@")[2].split(",")]
        nodes = [(host, int(port)) for host, _, port in hosts]
        sentinel = Sentinel(nodes, socket_timeout=2)  # type: ignore[no-untyped-call]  # redis-py
        master: redis.Redis = sentinel.master_for(  # type: ignore[no-untyped-call]  # redis-py
            parts.path.strip("/") or "mymaster",
            db=int(parse_qs(parts.query).get("db", ["0"])[0]),
            password=parts.password,
            socket_timeout=5,
            retry=retry,
        )
        return master
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2, retry=retry)


def build_broker(settings: Settings) -> dramatiq.Broker:
    """Return the broker that the settings name."""
    middleware: list[Middleware] = [
        AgeLimit(max_age=MESSAGE_AGE_MS),
        TimeLimit(time_limit=JOB_MS),
        ShutdownNotifications(notify_shutdown=True),
        Prefetch(),
    ]
    if settings.broker_url.startswith(("amqp://", "amqps://")):
        return RabbitmqBroker(url=settings.broker_url, middleware=middleware)
    return PromptRedisBroker(  # type: ignore[no-untyped-call]  # dramatiq
        client=connect_redis(settings.broker_url or settings.redis_url),
        middleware=middleware,
        maintenance_chance=MAINTENANCE_PER_MILLION,
        heartbeat_timeout=HEARTBEAT_MS,
        dead_message_ttl=DEAD_MESSAGE_MS,
        namespace=NAMESPACE,
    )


class PromptRedisBroker(RedisBroker):
    """Redis without long waits between two looks into an empty queue."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> dramatiq.Consumer:
        """Return a consumer that never sleeps longer than `LOOK_EVERY_MS`."""
        return super().consume(queue_name, prefetch, min(timeout, LOOK_EVERY_MS))


def queue_length(broker: dramatiq.Broker, queue: str) -> int:
    """Return how many messages wait in a queue, none of them taken by a worker yet."""
    if isinstance(broker, RedisBroker):
        return int(broker.client.llen(f"{NAMESPACE}:{queue}"))
    waiting, _, _ = broker.get_queue_message_counts(queue)  # type: ignore[attr-defined]  # amqp
    return int(waiting)
