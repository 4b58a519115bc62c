"""How text is cut into the words that a search matches: never letters inside a word."""

from __future__ import annotations

import email.utils
import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header

_WORD = re.compile(r"[^\W_]+")
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(r"\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_ENCODED = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")

BETWEEN = "\n"
"""Stands between two addresses or texts, so that no phrase reaches across."""


def words_of(text: str) -> list[str]:
    """Return the words of a text: runs of letters and digits, in lower case."""
    return _WORD.findall(text.casefold())


def line_of(*texts: str) -> str:
    """Return texts as one line of words in which `has_phrase` looks; '' when there are none."""
    lines = [" ".join(found) for text in texts if (found := words_of(text))]
    return f" {f' {BETWEEN} '.join(lines)} " if lines else ""


def has_phrase(line: str, words: list[str]) -> bool:
    """Say whether these words stand side by side in a line."""
    return f" {' '.join(words)} " in line


def address_texts(value: str) -> list[str]:
    """Return the addresses of a header, each with its name, as texts to cut into words."""
    if '"' not in value and "(" not in value:
        return value.split(",")
    return [f"{name} {address}" for name, address in email.utils.getaddresses([value])]


def headers_of(raw: bytes) -> list[tuple[str, str]]:
    """Return the headers in order, unfolded and decoded (RFC 5322 2.2.3, RFC 2047)."""
    end = _END_OF_HEADERS.search(raw)
    block = raw[: end.start()] if end else raw
    try:
        text = block.decode()
    except UnicodeDecodeError:
        text = block.decode("latin-1")
    pairs = (line.partition(":") for line in _LINE_END.split(_FOLD.sub("", text)))
    return [(name, decoded(value.strip())) for name, colon, value in pairs if colon]


def decoded(value: str) -> str:
    """Return a header's value with its encoded words read; as it is when they can't be."""
    if not _ENCODED.search(value):
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return value
