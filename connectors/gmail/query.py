"""PURE: from addresses to Gmail searches (support.google.com/mail/answer/7190)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import datetime

from connectors.base import Folder, FolderRole
from mail.address import Address

FIELDS = ("from", "to", "cc", "bcc")
_PLAIN = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`|~@-]+", re.IGNORECASE)
SIZES = (("100K", 100 * 1024), ("1M", 1024 * 1024))
"""Steps in which sizes are asked for; a message of none of them is taken for the first."""


def searches(addresses: Collection[Address], frame: str, characters: int) -> Iterator[str]:
    """Yield searches for mail from or to any of the addresses, each within the limit.

    "@example.com" stands for a domain. `frame` is added to each. Gmail compares whole words,
    so a search finds more than the addresses, never less.
    """
    room = characters - len(frame) - len("{} ")
    terms: list[str] = []
    length = 0
    for address in addresses:
        term = " ".join(f"{field}:{worded(address)}" for field in FIELDS)
        if terms and length + len(term) + 1 > room:
            yield f"{{{' '.join(terms)}}}{frame}"
            terms, length = [], 0
        terms.append(term)
        length += len(term) + 1
    if terms:
        yield f"{{{' '.join(terms)}}}{frame}"


def worded(address: Address) -> str:
    """Return an address as a search takes it: in quotes, if it has more than plain characters."""
    text = address.removeprefix("@")
    if _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace('"', " ") + '"'


def frame_of(folder: Folder, since: datetime | None) -> str:
    """Return what every search in a folder ends with: no drafts, no chats, nothing older."""
    parts = [] if folder.role is FolderRole.DRAFTS else ["-in:drafts"]
    parts.append("-in:chats")
    if since is not None:
        # `after` is exclusive, to the second.
        parts.append(f"after:{int(since.timestamp()) - 1}")
    return " " + " ".join(parts)


def larger(query: str, size: str) -> str:
    """Return a search for those of its messages that are larger, as "1M" says it."""
    return f"{query} larger:{size}"
