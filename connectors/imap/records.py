"""One message as FETCH describes it: what is asked for, and how the answer is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from connectors.base import Envelope, MessageRef
from connectors.errors import Misbehaved
from connectors.imap.grammar import UNKNOWN_TIME, Value, number, parse_time, values
from connectors.imap.wire import Response
from mail.envelope import scan

BODY = b"(UID BODY.PEEK[])"
SIZE = b"(UID RFC822.SIZE)"

_FETCH = re.compile(rb"\* \d+ FETCH ", re.IGNORECASE)
# The usual answers in one step; `values` reads all others, and these alike.
_USUAL_HEADERS = re.compile(
    rb"\* \d+ FETCH \((?:FLAGS \([^()]*\) )?UID (\d{1,10}) RFC822\.SIZE (\d{1,9}) "
    rb'INTERNALDATE "([^"\\]{26})" BODY\[HEADER\.FIELDS \([A-Z -]*\)\] \{\d+\}\r\n\Z'
)
_USUAL_BODY = re.compile(
    rb"\* \d+ FETCH \((?:FLAGS \([^()]*\) )?UID (\d{1,10}) BODY\[\] \{\d+\}\r\n\Z"
)
_USUAL_UID = re.compile(rb"\* \d+ FETCH \(UID (\d{1,10})\)\r\n\Z")
_HEADERS = b"BODY.PEEK[HEADER.FIELDS (FROM SENDER REPLY-TO TO CC BCC DATE MESSAGE-ID)]"


@dataclass(frozen=True, slots=True)
class Record:
    """What one FETCH response says of a message; None or zero where it says nothing."""

    uid: int
    size: int | None = None
    received_at: datetime = UNKNOWN_TIME
    headers: bytes | None = None
    body: bytes | None = None
    object_id: str = ""
    thread_id: str = ""

    def envelope(self, folder: str, uidvalidity: int) -> Envelope:
        """Return the envelope; the addresses are found in the header block."""
        found = scan(self.headers or b"")
        return Envelope(
            ref=message_ref(folder, uidvalidity, self.uid),
            size=self.size or 0,
            received_at=self.received_at,
            sender=found.sender,
            recipients=found.recipients,
            reply_to=found.reply_to,
            message_id=found.message_id,
            dates=found.dates,
            object_id=self.object_id,
            thread_id=self.thread_id,
        )


def message_ref(folder: str, uidvalidity: int, uid: int) -> MessageRef:
    """Name a message: its folder, and its UID with the folder's UIDVALIDITY."""
    return MessageRef(folder, f"{uidvalidity}:{uid}")


def envelope_items(capabilities: frozenset[bytes]) -> bytes:
    """Return what to ask for to know envelopes; header fields, for ENVELOPE is slow to parse."""
    items = [b"UID", b"RFC822.SIZE", b"INTERNALDATE"]
    if b"OBJECTID" in capabilities:
        items += [b"EMAILID", b"THREADID"]
    elif b"X-GM-EXT-1" in capabilities:
        items += [b"X-GM-MSGID", b"X-GM-THRID"]
    return b"(" + b" ".join([*items, _HEADERS]) + b")"


def read_record(pieces: Response) -> Record | None:
    """Read a FETCH response; None for any other response, and for one without a UID.

    Raises:
        Misbehaved: It isn't IMAP.
    """
    if len(pieces) == 1 and (usual := _USUAL_UID.match(pieces[0])):
        return Record(number(usual[1]))
    if len(pieces) == 3 and pieces[2] == b")\r\n":
        if usual := _USUAL_HEADERS.match(pieces[0]):
            uid, size, date = usual.groups()
            return Record(number(uid), number(size), parse_time(date), pieces[1])
        if usual := _USUAL_BODY.match(pieces[0]):
            return Record(number(usual[1]), body=pieces[1])
    start = _FETCH.match(pieces[0])
    if start is None:
        return None
    parsed = values(pieces, start.end())
    if not parsed or not isinstance(parsed[0], list):
        raise Misbehaved("a FETCH response that cannot be read")
    fields = parsed[0]
    found: dict[bytes, Value] = {}
    for key, value in zip(fields[::2], fields[1::2], strict=False):
        if not isinstance(key, bytes):
            raise Misbehaved("a FETCH response that cannot be read")
        found[key.upper().partition(b"[HEADER")[0]] = value
    if b"UID" not in found:
        return None
    headers, body, date = found.get(b"BODY"), found.get(b"BODY[]"), found.get(b"INTERNALDATE")
    size = found.get(b"RFC822.SIZE")
    return Record(
        uid=number(found[b"UID"]),
        size=None if size is None else number(size, 2**63 - 1),
        received_at=parse_time(date) if isinstance(date, bytes) else UNKNOWN_TIME,
        headers=None if b"BODY" not in found or isinstance(headers, list) else headers or b"",
        body=body if isinstance(body, bytes) else None,
        object_id=_object_id(found.get(b"EMAILID")) or _gmail_id(found.get(b"X-GM-MSGID")),
        thread_id=_object_id(found.get(b"THREADID")) or _gmail_id(found.get(b"X-GM-THRID")),
    )


def _object_id(value: Value) -> str:
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return value[0].decode("ascii", "replace")[:255]
    return ""


def _gmail_id(value: Value) -> str:
    return f"{number(value, 2**64 - 1):x}" if isinstance(value, bytes) else ""
