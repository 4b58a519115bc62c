"""The hot path: who a mail is from and to, out of a block of a few header fields."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mail.address import Address, is_plain
from mail.address_list import addresses_in
from mail.date import LENGTH

MESSAGE_ID_LENGTH = 500
"""Characters of a message id that are kept; it is the sender's choice."""

_FOLD = re.compile(rb"(?:\r\n|\n|\r)(?=[ \t])")
_QUOTED = re.compile(r'"[^"\\]*"')
_UNUSUAL = re.compile(r'[()":;\\\[\]\x00]')
_ID = re.compile(r"<([^<>]*)>?")
_ID_JUNK = re.compile(r"[\s\x00-\x1f\x7f]+")
_SENDER = (b"from", b"sender")
_RECIPIENTS = (b"to", b"cc", b"bcc")
_ASKED = frozenset((*_SENDER, *_RECIPIENTS, b"reply-to", b"message-id", b"date"))


@dataclass(frozen=True, slots=True)
class HeaderScan:
    """The addresses of a mail, its message id (without brackets, may be empty) and dates.

    `sender` are From and Sender, `recipients` To, Cc and Bcc, each once and in order. `dates`
    are its Date fields as they stand: few are ever read.
    """

    sender: tuple[Address, ...]
    recipients: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    message_id: str
    dates: tuple[bytes, ...]


def fields(block: bytes) -> list[tuple[bytes, bytes]]:
    """Return the fields of a header block in order: lower-case name, unfolded raw value.

    Ends at the first empty line. A line that is no field is passed over.
    """
    lines = block.replace(b"\r\n", b"\n")
    if b"\r" in lines:
        lines = _FOLD.sub(b"", block)
    else:
        # The usual lines, without the expression: twice as fast.
        lines = lines.replace(b"\n ", b" ").replace(b"\n\t", b"\t")
    found: list[tuple[bytes, bytes]] = []
    for line in lines.splitlines():
        name, colon, value = line.partition(b":")
        if colon:
            found.append((name.strip().lower(), value.strip()))
        elif not line and found:
            break
    return found


def scan(header_block: bytes) -> HeaderScan:
    """Find the addresses and the message id in a header block, or in some of its fields.

    Finds exactly whom `parse` finds in the same mail.
    """
    named: dict[bytes, list[bytes]] = {}
    for name, value in fields(header_block):
        if name in _ASKED:
            named.setdefault(name, []).append(value)
    message_ids = named.get(b"message-id", ())
    return HeaderScan(
        _addresses(named, _SENDER),
        _addresses(named, _RECIPIENTS),
        _addresses(named, (b"reply-to",)),
        next(filter(None, map(message_id_in, message_ids)), ""),
        tuple(value[:LENGTH] for value in named.get(b"date", ())),
    )


def message_id_in(value: bytes) -> str:
    """Return the message id of a Message-ID field, without brackets; '' when there is none."""
    found = message_ids_in(value)
    return found[0] if found else ""


def message_ids_in(value: bytes) -> list[str]:
    """Return the message ids of a References or In-Reply-To field, in order.

    Without any bracket (seen in the wild) each word that holds an @ is an id.
    """
    text = value.decode("utf-8", "replace")
    found = [_ID_JUNK.sub("", match) for match in _ID.findall(text)]
    if not found:
        words = text.split()
        found = words if len(words) == 1 else [word for word in words if "@" in word]
    return [one[:MESSAGE_ID_LENGTH] for one in found if one]


def _addresses(named: dict[bytes, list[bytes]], names: tuple[bytes, ...]) -> tuple[Address, ...]:
    values = [value for name in names for value in named.get(name, ())]
    found: list[Address] = []
    for value in values:
        plain = _plain_addresses(value)
        found += [one.address for one in addresses_in(value)] if plain is None else plain
    return tuple(dict.fromkeys(found))


def _plain_addresses(value: bytes) -> list[Address] | None:
    """Return the addresses of a header of the usual form, or None when it isn't of it.

    Names aren't read, which is what makes this fast.
    """
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        return None
    if '"' in text:
        text = _QUOTED.sub("\x01", text)
    if _UNUSUAL.search(text):
        return None
    found: list[Address] = []
    for piece in text.split(","):
        _, opened, rest = piece.partition("<")
        if opened:
            spelled, closed, behind = rest.partition(">")
            if not closed or (behind and not behind.isspace()):
                return None
        else:
            spelled = piece.strip()
            if not spelled:
                continue
        if not is_plain(spelled):
            return None
        found.append(Address(spelled.lower()))
    return found
