"""Encoded words (RFC 2047) in linear time, as mails really write them."""

from __future__ import annotations

import binascii
import re

from mail.charset import decode

# The text of a word can't hold a "?", so every attempt ends at the next one: linear time.
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bqBQ])\?([^?]*)\?=")
_BROKEN_FOLD = re.compile(r"[\r\n]+[ \t]*")


def decode_words(text: str) -> str:
    """Return the header text with its encoded words decoded; never raises.

    White space between two encoded words is dropped (RFC 2047 6.2). Bytes of neighbours with
    the same charset are joined before they are decoded: many senders split a character.
    """
    if "=?" not in text:
        return text
    spoken: list[str] = []
    pending = bytearray()
    charset, end = "", 0
    for match in _WORD.finditer(text):
        between = text[end : match.start()]
        label = match[1].partition("*")[0].lower()
        joined = end > 0 and (not between or between.isspace())
        if pending and not (joined and label == charset):
            spoken.append(decode(bytes(pending), charset))
            pending.clear()
        if not joined:
            spoken.append(between)
        charset, end = label, match.end()
        pending += _content(match[2], match[3])
    spoken.append(decode(bytes(pending), charset))
    spoken.append(text[end:])
    return "".join(spoken)


def header_text(content: bytes) -> str:
    """Return a raw header value as text: unfolded, with its encoded words not yet decoded.

    Raw 8-bit bytes are UTF-8 (RFC 6532) or, failing that, guessed.
    """
    text = content.decode("ascii") if content.isascii() else decode(content)
    if "\n" in text or "\r" in text:
        text = _BROKEN_FOLD.sub(" ", text)
    return text.strip()


def _content(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(raw, header=True)
    raw = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return binascii.a2b_base64(raw[: len(raw) - len(raw) % 4])
