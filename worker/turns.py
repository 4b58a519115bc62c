"""How many calls may be under way for a mailbox at once, over all workers: counted in Redis.

Each call has a turn with an end of its own, by Redis's clock, so that whoever is killed in one
gives it back by time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import uniform
from secrets import token_hex

import redis

from connectors.errors import Paced
from worker.budget import REDIS_AWAY

PATIENCE, LESS = timedelta(seconds=20), timedelta(seconds=2)
"""So long a job waits for a turn, and so long if another mailbox waits for its worker."""
LATER = timedelta(seconds=2)

# A set of turns, scored by when each ends.
TAKE = """
local most, longest = tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', tostring(now))
if redis.call('ZCARD', KEYS[1]) >= most then return 0 end
redis.call('ZADD', KEYS[1], tostring(now + longest), ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('EXPIRE', KEYS[1], math.ceil(tonumber(last[2]) - now) + 1)
return 1
"""


class MailboxTurns:
    """The turns of one mailbox, `most` at once; `client` is made when it is asked for."""

    def __init__(
        self,
        client: Callable[[], redis.Redis],
        mailbox_id: int,
        most: int,
        others_wait: Callable[[], bool] = lambda: False,
    ) -> None:
        self.client = client
        self.name = f"leadmail:mailbox:{mailbox_id}:turns"
        self.most = most
        self.others_wait = others_wait

    @contextmanager
    def turn(self, longest: timedelta) -> Iterator[None]:
        """Wait for a turn and have it for the block, which takes no longer than `longest`.

        Raises:
            Paced: None is free, or Redis is away: without a count nothing is asked.
        """
        name = token_hex(8)
        began = time.monotonic()
        while not self.take(name, longest):
            waited = timedelta(seconds=time.monotonic() - began)
            if waited > PATIENCE or (waited > LESS and self.others_wait()):
                raise Paced(LATER)
            time.sleep(uniform(0.01, 0.05))  # noqa: S311  (jitter)
        try:
            yield
        finally:
            self.give_back(name)

    def take(self, name: str, longest: timedelta) -> bool:
        """Take a turn, if one is free."""
        try:
            script = self.client().register_script(TAKE)
            return bool(script(keys=[self.name], args=[name, self.most, longest.total_seconds()]))
        except redis.RedisError:
            raise Paced(REDIS_AWAY) from None

    def give_back(self, name: str) -> None:
        """Give a turn back; if Redis is away, time does it."""
        try:
            self.client().zrem(self.name, name)
        except redis.RedisError:
            return
