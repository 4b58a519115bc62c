"""Pages of lists: how many items, and an opaque cursor to the next ones."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query

from web.problems import invalid
from worker.shown import ConversationPage, MessagePage

Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next` of the page before; opaque.")
]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode(*numbers: int) -> str:
    """Return a position in a list as a cursor."""
    return urlsafe_b64encode(".".join(map(str, numbers)).encode()).decode().rstrip("=")


def decode(cursor: str | None, *bits: int) -> tuple[int, ...] | None:
    """Return the position that a cursor names, numbers below so many bits; None without one.

    Raises:
        Problem: It was not made by `encode` for such numbers.
    """
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        numbers = tuple(map(int, text.split(".")))
    except ValueError:
        numbers = ()
    good = len(numbers) == len(bits) and encode(*numbers) == cursor
    if not good or any(abs(n) >= 1 << limit for n, limit in zip(numbers, bits, strict=True)):
        raise invalid("cursor", "is no cursor of this list")
    return numbers


def decode_id(cursor: str | None) -> int:
    """Return the id that a cursor of one number names; 0 without one."""
    numbers = decode(cursor, 63)
    return 0 if numbers is None else numbers[0]


def to_microseconds(moment: datetime) -> int:
    """Return a time as microseconds since 1970, which PostgreSQL keeps exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def from_microseconds(number: int) -> datetime:
    """Return the time of microseconds since 1970.

    Raises:
        Problem: There is no such time.
    """
    try:
        return EPOCH + timedelta(microseconds=number)
    except OverflowError:
        raise invalid("cursor", "is no cursor of this list") from None


def to_number(digest: bytes) -> int:
    """Return 16 bytes as a number."""
    return int.from_bytes(digest, "big")


def to_digest(number: int) -> bytes:
    """Return a number as the 16 bytes it was made of.

    Raises:
        Problem: It is negative.
    """
    if number < 0:
        raise invalid("cursor", "is no cursor of this list")
    return number.to_bytes(16, "big")


def conversation_position(cursor: str | None) -> tuple[datetime, int] | None:
    """Return last activity and id of the conversation that a cursor names."""
    position = decode(cursor, 63, 63)
    return None if position is None else (from_microseconds(position[0]), position[1])


def conversation_cursor(page: ConversationPage) -> str | None:
    """Return the cursor behind a page of conversations."""
    return None if page.next is None else encode(to_microseconds(page.next[0]), page.next[1])


def message_position(cursor: str | None) -> tuple[datetime, bytes] | None:
    """Return time and twin hash of the message that a cursor names."""
    position = decode(cursor, 63, 128)
    return None if position is None else (from_microseconds(position[0]), to_digest(position[1]))


def message_cursor(page: MessagePage) -> str | None:
    """Return the cursor behind a page of messages."""
    if page.next is None:
        return None
    return encode(to_microseconds(page.next[0]), to_number(page.next[1]))
