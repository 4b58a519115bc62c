"""One message as Gmail describes it: its time, its bytes, its envelope."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base import Envelope, MessageRef
from mail.envelope import scan

PIECE = 4 * 2**18
"""Characters of base64 that are decoded together; a multiple of four."""


def received_at(message: Mapping[str, Any]) -> datetime:
    """Return when Gmail got a message."""
    return datetime.fromtimestamp(int(message["internalDate"]) / 1000, UTC)


def decoded(text: str) -> bytes:
    """Return a message's bytes; Google writes the padding, but doesn't promise it.

    In pieces, for the decoder copies what it is given twice.
    """
    pieces = (text[at : at + PIECE] for at in range(0, len(text), PIECE))
    return b"".join(urlsafe_b64decode(piece + "=" * (-len(piece) % 4)) for piece in pieces)


def envelope_of(ref: MessageRef, message: Mapping[str, Any]) -> Envelope:
    """Return the envelope in a message's headers; the mailbox-wide id is its own."""
    headers = message.get("payload", {}).get("headers", ())
    block = "".join(f"{header['name']}: {header['value']}\r\n" for header in headers)
    found = scan(block.encode("utf-8", "replace"))
    return Envelope(
        ref=ref,
        size=int(message["sizeEstimate"]),
        received_at=received_at(message),
        sender=found.sender,
        recipients=found.recipients,
        reply_to=found.reply_to,
        message_id=found.message_id,
        object_id=message["id"],
        thread_id=message.get("threadId", ""),
    )
