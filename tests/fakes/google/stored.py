"""One mail as the mailbox holds it: its bytes, once, and the words that a search looks at."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.common.anatomy import Gist, gist_of
from tests.fakes.common.heads import Heads


@dataclass(slots=True, eq=False)
class Stored:
    """A message; it is equal to nothing but itself, as its id is."""

    id: str
    thread: str
    raw: bytes
    internal_ms: int
    labels: set[str]
    history_id: int
    heads: Heads
    _gist: Gist | None = None

    @property
    def order(self) -> tuple[int, int]:
        """The key that sorts newest first."""
        return -self.internal_ms, -int(self.id, 16)

    @property
    def gist(self) -> Gist:
        """What is said of its parts, found when it is first asked for."""
        if self._gist is None:
            self._gist = gist_of(self.raw)
        return self._gist

    @property
    def named(self) -> dict[str, str]:
        """Its id and thread, as lists name it."""
        return {"id": self.id, "threadId": self.thread}
