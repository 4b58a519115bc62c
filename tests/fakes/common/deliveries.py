"""What is sent from a thread of its own, in order, again and again until it is acknowledged."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something to send: `send` says whether it was acknowledged."""

    send: Callable[[], bool]
    attempts: int
    """How often it is sent at most."""
    backoff: timedelta
    """How long the second attempt waits; each one after it twice as long."""
    attempt: int = 1


class Deliveries:
    """Sends from the moment it is started."""

    def __init__(self, name: str, lock: AbstractContextManager[object]) -> None:
        self._lock = lock
        self._due: queue.Queue[Delivery | None] = queue.Queue()
        self._open = 0
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def close(self) -> None:
        """Send what is due no more."""
        self._due.put(None)
        self._thread.join()

    def put(self, delivery: Delivery) -> None:
        """Let something be sent; the caller holds the lock."""
        self._open += 1
        self._due.put(delivery)

    def idle(self, within: timedelta) -> bool:
        """Wait until all was acknowledged or given up, and say whether that came to be."""
        ends = time.monotonic() + within.total_seconds()
        while self._open and time.monotonic() < ends:
            time.sleep(0.01)
        return not self._open

    def _run(self) -> None:
        while (delivery := self._due.get()) is not None:
            self._deliver(delivery)

    def _deliver(self, delivery: Delivery) -> None:
        if delivery.send() or delivery.attempt >= delivery.attempts:
            with self._lock:
                self._open -= 1
            return
        # Others need not wait for one that is refused.
        again = replace(delivery, attempt=delivery.attempt + 1)
        wait = delivery.backoff.total_seconds() * 2 ** (delivery.attempt - 1)
        timer = threading.Timer(wait, self._due.put, (again,))
        timer.daemon = True
        timer.start()
