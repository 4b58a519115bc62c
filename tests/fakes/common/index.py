"""Finds mails by words side by side in a header, without looking at every mail."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from tests.fakes.common.heads import Heads
from tests.fakes.common.words import has_phrase


class Indexed(Protocol):
    """A mail that can be found."""

    @property
    def heads(self) -> Heads:
        """What is known of its headers."""
        ...


AnyMail = TypeVar("AnyMail", bound=Indexed)


class Index(Generic[AnyMail]):
    """An inverted index: for each operator and word, the mails that have it."""

    def __init__(self) -> None:
        self._postings: dict[tuple[str, str], set[AnyMail]] = {}
        self._message_ids: dict[str, set[AnyMail]] = {}

    def add(self, stored: AnyMail) -> None:
        """Make a mail findable."""
        for operator, line in stored.heads.lines.items():
            for word in set(line.split()):
                self._postings.setdefault((operator, word), set()).add(stored)
        self._message_ids.setdefault(stored.heads.message_id.casefold(), set()).add(stored)

    def remove(self, stored: AnyMail) -> None:
        """Forget a mail."""
        for operator, line in stored.heads.lines.items():
            for word in set(line.split()):
                self._postings[operator, word].discard(stored)
        self._message_ids[stored.heads.message_id.casefold()].discard(stored)

    def phrase(self, operator: str, words: list[str]) -> set[AnyMail]:
        """Return the mails in which these words, one at least, stand side by side there."""
        found = [self._postings.get((operator, word), set()) for word in words]
        # The rarest word leaves the fewest mails to look at.
        rarest = min(found, key=len)
        if len(words) == 1:
            return set(rarest)
        return {
            stored for stored in rarest if has_phrase(stored.heads.lines.get(operator, ""), words)
        }

    def message_id(self, message_id: str) -> set[AnyMail]:
        """Return the mails of that Message-ID; mails without one are not found by ''."""
        return set(self._message_ids.get(message_id.casefold(), ())) if message_id else set()
