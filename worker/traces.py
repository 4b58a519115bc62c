"""What Redis holds of something erased: keys that name it, and messages that ring for it."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import redis

from models.base import AnyRow
from worker.broker import NAMESPACE
from worker.lease import Work

DEAD, DELAYED = "XQ", "DQ"


def clear_redis(client: redis.Redis, order: AnyRow) -> None:
    """Delete the keys that name what is erased, and dead letters that do.

    Messages that wait, delayed or not, end by running; a dead one never runs.
    """
    if order.mailbox_id is None:
        return
    for name in client.scan_iter(key_pattern(order.mailbox_id), count=1000):
        client.delete(name)
    for work in Work:
        dead = f"{NAMESPACE}:{work}.{DEAD}"
        ids = list(messages_naming(client, f"{dead}.msgs", order.mailbox_id))
        if ids:
            client.hdel(f"{dead}.msgs", *ids)
            client.zrem(dead, *ids)


def count_in_redis(client: redis.Redis, order: AnyRow) -> dict[str, int]:
    """Count what Redis still holds of something erased: keys and messages that name its id.

    A message for a mailbox that is gone does nothing, but it is residue until it has run. The
    queue of purges names orders only, this one among them.
    """
    if order.mailbox_id is None:
        return {}
    keys = sum(1 for _ in client.scan_iter(key_pattern(order.mailbox_id), count=1000))
    messages = sum(
        1
        for work in Work
        for queue in (f"{work}", f"{work}.{DELAYED}", f"{work}.{DEAD}")
        for _ in messages_naming(client, f"{NAMESPACE}:{queue}.msgs", order.mailbox_id)
    )
    return {"redis.key": keys, "redis.message": messages}


def key_pattern(mailbox_id: int) -> str:
    """Return the pattern of all keys of a mailbox."""
    return f"leadmail:mailbox:{mailbox_id}:*"


def messages_naming(client: redis.Redis, queue: str, mailbox_id: int) -> Iterator[bytes]:
    """Yield the ids of the messages of a queue that ring for a mailbox."""
    for id_, body in client.hscan_iter(queue, count=1000):
        if orjson.loads(body)["args"] == [mailbox_id]:
            yield id_
