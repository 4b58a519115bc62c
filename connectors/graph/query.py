"""PURE: from addresses to searches in Outlook (Keyword Query Language, by Graph's `$search`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mail.address import Address

_PLAIN = re.compile(r"[a-z0-9._@-]+", re.IGNORECASE)
_OR = " OR "


@dataclass(frozen=True, slots=True)
class Days:
    """A span of days in which mail was received: from one on, before another; None is open."""

    first: date | None = None
    end: date | None = None

    @property
    def is_one(self) -> bool:
        """Whether it is a single day, which a search can't part."""
        if self.first is None or self.end is None:
            return False
        return self.end - self.first <= timedelta(days=1)

    def parted(self, day: date) -> tuple[Days, Days]:
        """Return the days from one on, and those before it; the newer ones first."""
        return Days(day, self.end), Days(self.first, day)


def groups(addresses: Sequence[Address], characters: int) -> Iterator[list[Address]]:
    """Yield the addresses in groups that make a search of so many characters at most."""
    group: list[Address] = []
    length = 0
    for address in addresses:
        word = term(address)
        needed = len(word) + word.count('"') + len(_OR)
        if group and length + needed > characters:
            yield group
            group, length = [], 0
        group.append(address)
        length += needed
    if group:
        yield group


def search_for(addresses: Sequence[Address], days: Days) -> str:
    """Return the value of `$search` for mail from or to any of the addresses.

    "@example.com" stands for a domain. Outlook compares words, so a search finds more than
    the addresses, never less; what it finds is compared again, exactly.
    """
    words = _OR.join(map(term, addresses))
    if days.first is not None or days.end is not None:
        words = f"({words})"
    if days.first is not None:
        words += f" AND received>={days.first}"
    if days.end is not None:
        words += f" AND received<{days.end}"
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


def term(address: Address) -> str:
    """Return the search for one address; in quotes, if it has more than plain characters.

    What is quoted can't end the quotes: a quotation mark in it becomes a blank.
    """
    text = address.removeprefix("@")
    if not _PLAIN.fullmatch(text):
        text = '"' + re.sub(r'["\\\x00-\x1f]', " ", text) + '"'
    return f"participants:{text}"
