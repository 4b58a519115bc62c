"""A job's slice of time: long when nobody waits, short when others do.

So a mailbox with a million mails delays none with ten: the job rings itself and goes to the
end of the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

LEAST_SECONDS = 1.0
LOOK_EVERY_SECONDS = 0.25


class Slice:
    """Tells a job when it is to end."""

    def __init__(self, seconds: float, others_wait: Callable[[], bool]) -> None:
        self.began = monotonic()
        self.seconds = seconds
        self.others_wait = others_wait
        self.looked = self.began

    def is_over(self) -> bool:
        """Tell whether the time is used up, or has been fair and others wait."""
        now = monotonic()
        if now - self.began >= self.seconds:
            return True
        if now - self.began < LEAST_SECONDS or now - self.looked < LOOK_EVERY_SECONDS:
            return False
        self.looked = now
        return self.others_wait()
