"""What a mailbox may cost its provider: units in a time, or bytes a day; both counted in Redis.

All workers share them. Units are a token bucket that holds a fifth of the quota and fills with
the rest in the quota's time, so that no such time sees more than the quota, however it is cut.
Backfill leaves a third of it to live mail. A Redis that forgets costs some refusals by the
provider at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import redis

from connectors.errors import Paced

MINUTE, DAY_SECONDS = timedelta(minutes=1), 86_400
BURST, RESERVE = 1 / 5, 1 / 15
"""Parts of the quota: what the bucket holds, and what of it is for live mail only."""
PATIENCE = timedelta(seconds=3)
"""So long a job waits for units itself, if no other mailbox waits for its worker."""
REDIS_AWAY = timedelta(seconds=5)

# left, at: units that were left at a time. pause: when a provider's own pause ends.
NOW = """
local capacity, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local held = redis.call('HMGET', KEYS[1], 'left', 'at', 'pause')
local left, pause = capacity, tonumber(held[3] or '0')
if held[1] then
    left = math.min(capacity, tonumber(held[1]) + (now - tonumber(held[2])) * rate)
end
"""
SPEND = f"""
{NOW}
local want, floor = tonumber(ARGV[4]), tonumber(ARGV[5])
local missing = want + math.min(floor, capacity - want) - left
if now >= pause and missing <= 0 then left = left - want end
redis.call('HSET', KEYS[1], 'left', tostring(left), 'at', tostring(now))
redis.call('EXPIRE', KEYS[1], ARGV[3])
if now < pause then return math.ceil((pause - now) * 1000) end
if missing <= 0 then return 0 end
return math.ceil(missing / rate * 1000)
"""
PAUSE = f"""
{NOW}
left = math.min(left, tonumber(ARGV[5]))
pause = math.max(pause, now + tonumber(ARGV[4]))
redis.call('HSET', KEYS[1], 'left', tostring(left), 'at', tostring(now), 'pause', tostring(pause))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 0
"""


class MailboxBudget:
    """What one mailbox may spend, as its connector asks for it; `client` is made when asked."""

    def __init__(
        self,
        client: Callable[[], redis.Redis],
        mailbox_id: int,
        quota: int,
        others_wait: Callable[[], bool] = lambda: False,
        window: timedelta = MINUTE,
    ) -> None:
        """`quota` are the units that the provider allows in the time of a `window`."""
        self.client = client
        self.name = f"leadmail:mailbox:{mailbox_id}:units"
        self.window = int(window.total_seconds())
        self.capacity = quota * BURST
        self.rate = (quota - self.capacity) / self.window
        self.reserve = quota * RESERVE
        self.others_wait = others_wait

    def spend(self, units: int, *, live: bool) -> None:
        """Take units, waiting for them a short while if nobody else waits for this worker.

        Raises:
            Paced: They are to be had later.
        """
        while wait := self.missing(units, live=live):
            if wait > PATIENCE or self.others_wait():
                raise Paced(wait)
            time.sleep(wait.total_seconds())

    def missing(self, units: int, *, live: bool) -> timedelta:
        """Take units and return zero, or return how long it takes until there are so many."""
        floor = 0 if live else self.reserve
        # More than the bucket holds would never be there.
        units = min(units, int(self.capacity))
        try:
            return timedelta(milliseconds=self.run(SPEND, units, floor))
        except redis.RedisError:
            # Without a count nothing is spent: what is due is rung again.
            raise Paced(REDIS_AWAY) from None

    def drain(self, wait: timedelta) -> None:
        """Let nobody spend for a while, and then no more at once than live mail has in reserve.

        The provider itself asked for a pause: it counts otherwise than we do.
        """
        try:
            self.run(PAUSE, min(wait.total_seconds(), self.window), self.reserve)
        except redis.RedisError:
            return

    def run(self, text: str, amount: float, floor: float) -> int:
        """Run a script on the bucket."""
        given = [self.capacity, self.rate, self.window * 2, amount, floor]
        return int(self.client().register_script(text)(keys=[self.name], args=given))


class MailboxDay:
    """The bytes of one mailbox that were fetched today (UTC), and how many may be.

    Gmail's IMAP, for one, is locked for a day beyond 2,500 MB. Live mail is always fetched.
    """

    def __init__(self, client: Callable[[], redis.Redis], mailbox_id: int, most: int) -> None:
        self.client = client
        self.mailbox_id = mailbox_id
        self.most = most

    def check(self) -> None:
        """Let past mail be fetched; a Redis that is away forbids nothing.

        Raises:
            Paced: The day's bytes are used up; tomorrow it goes on.
        """
        now = datetime.now(UTC)
        try:
            spent = int(self.client().get(self.name(now)) or 0)
        except redis.RedisError:
            return
        if spent >= self.most:
            tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
            raise Paced(tomorrow - now)

    def spend(self, octets: int) -> None:
        """Count bytes that were fetched."""
        name = self.name(datetime.now(UTC))
        try:
            self.client().incrby(name, octets)
            self.client().expire(name, DAY_SECONDS)
        except redis.RedisError:
            return

    def name(self, now: datetime) -> str:
        """Return the key of a day."""
        return f"leadmail:mailbox:{self.mailbox_id}:bytes:{now:%Y-%m-%d}"
