"""What ids look like outside: opaque strings, the same for a mail in all its mailboxes."""

from __future__ import annotations


class UnknownId(Exception):
    """The string is no id of ours."""


def message_id(twin: bytes) -> str:
    """Return the API's id of a message: its twin hash, equal for its copies, stable for good."""
    return twin.hex()


def twin_of(message: str) -> bytes:
    """Return the twin hash of a message's id.

    Raises:
        UnknownId: It isn't one.
    """
    try:
        twin = bytes.fromhex(message)
    except ValueError:
        twin = b""
    if len(twin) != 16 or message != twin.hex():
        raise UnknownId
    return twin


def row_id(text: str) -> int:
    """Return the row that a mailbox's, conversation's or erasure's id names.

    Raises:
        UnknownId: It isn't one.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 18) or text.startswith("0"):
        raise UnknownId
    return int(text)
