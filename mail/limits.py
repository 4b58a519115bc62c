"""What a mail may cost, and the refusal of one that would cost more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MEBIBYTE = 1_048_576


class Reason(StrEnum):
    """Why a mail can't be taken apart; it is parked with this word (F4)."""

    EMPTY = "empty"
    MESSAGE_TOO_LARGE = "message-too-large"
    HEADER_TOO_LARGE = "header-too-large"
    TOO_MANY_PARTS = "too-many-parts"
    TOO_DEEP = "too-deep"
    TOO_MANY_LINES = "too-many-lines"


class Unparseable(Exception):
    """The mail passes a limit. The text is the reason alone, never mail."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each a mail may have. Together they bound the time that any mail takes.

    `message`, `header` (each header block) and `text` are in bytes. A text part above `text`
    is kept as an attachment. `odd_lines` bounds what the standard library is asked to read
    line by line, which is done only for mails of odd structure
    (300,000 lines are 23 MB of base64; memory and time grow with them).
    """

    message: int = 64 * MEBIBYTE
    header: int = 512 * 1024
    parts: int = 1_000
    depth: int = 30
    text: int = 2 * MEBIBYTE
    odd_lines: int = 300_000


@dataclass(slots=True)
class Count:
    """Counts a mail's parts while it is split."""

    limits: Limits
    parts: int = 0

    def enter(self, depth: int) -> None:
        """Count a part at a depth; the mail itself has depth zero.

        Raises:
            Unparseable: It is one too many, or too deep.
        """
        self.parts += 1
        if self.parts > self.limits.parts:
            raise Unparseable(Reason.TOO_MANY_PARTS)
        if depth > self.limits.depth:
            raise Unparseable(Reason.TOO_DEEP)


_HEADER_END = re.compile(rb"\n\r?\n|\r\r")


def check(raw: bytes, limits: Limits) -> None:
    """Refuse a mail by its size or its header's, before any parser sees it.

    Its parts and their nesting are counted while it is split: a boundary can be written in
    so many ways that only the parser itself knows them all.

    Raises:
        Unparseable: A limit is passed; nothing else is ever raised.
    """
    if not raw or raw.isspace():
        raise Unparseable(Reason.EMPTY)
    if len(raw) > limits.message:
        raise Unparseable(Reason.MESSAGE_TOO_LARGE)
    if len(raw) > limits.header and _HEADER_END.search(raw, 0, limits.header) is None:
        raise Unparseable(Reason.HEADER_TOO_LARGE)
