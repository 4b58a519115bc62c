"""One piece of work beside the next: a batch is stored while its successor is fetched."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self


class Beside:
    """Does one thing at a time in a thread of its own; use it in a `with` statement.

    What the work raises is raised by the next `settle`, and so by the end of the block.
    """

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="beside")
        self.begun: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.settle()
        finally:
            self.thread.shutdown()

    def begin(self, work: Callable[[], None]) -> None:
        """Begin some work; what was begun before has ended."""
        self.settle()
        self.begun = self.thread.submit(work)

    def settle(self) -> None:
        """Wait until what was begun has ended."""
        begun, self.begun = self.begun, None
        if begun is not None:
            begun.result()
