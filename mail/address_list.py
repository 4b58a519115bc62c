"""Address headers as they are really written: every address found, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mail.address import Address, Participant, canonical
from mail.encoded_word import decode_words, header_text

NAME_LENGTH = 500
"""Characters of a display name that are kept."""
WORD_LENGTH = 2_000
"""Characters of one word that are looked at; no address is that long."""

# `Name <address>` or `address`, then a comma or the end: what nearly every header is made of.
_PLAIN = re.compile(
    r'[\s,]*(?:(?:"([^"\\]*)"|([^"(),:;<>@\\\[\]]*?))\s*<([^\s"(),:;<>@\\\[\]]+@[^\s"(),:;<>@\\]+)>'
    r"|([^\s\"(),:;<>@\\\[\]]+@[^\s\"(),:;<>@\\\[\]]+))\s*(?:,|$)"
)
_UNQUOTED = r'(?P<space>\s+)|(?P<special>[(),:;<>@"\[\]\\])|(?P<atom>[^\s(),:;<>@"\[\]\\]+)'
_TOKEN = re.compile(r'(?P<quoted>"(?:[^"\\]++|\\.)*+")|' + _UNQUOTED, re.DOTALL)
# For what follows an unclosed quote: looking for ends again and again is quadratic.
_TOKEN_AFTER_LOST_QUOTE = re.compile(_UNQUOTED)
_PAREN = re.compile(r"[()\\]")
_LITERAL = re.compile(r"\[[^\[\]\\\s<>,;]{1,80}\]")
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_LOOSE = re.compile(r"\s*([@.])\s*")
_SPACES = re.compile(r"\s+")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def addresses_in(value: bytes | str) -> tuple[Participant, ...]:
    """Return everyone whom an address header names, in order, repeated ones once.

    Takes the raw value: folded lines, groups, comments, routes, encoded words, raw 8-bit
    bytes, missing commas and brackets. What holds no address is left out; never raises.
    """
    text = header_text(value) if isinstance(value, bytes) else value
    found: dict[Address, str] = {}
    for name, address in _plain(text) or _tokens(text):
        if not found.get(address):
            found[address] = name
    if not found and "=?" in text:
        decoded = decode_words(text)
        if "@" in decoded and decoded != text:
            return addresses_in(decoded)
    return tuple(Participant(name, address) for address, name in found.items())


def _plain(text: str) -> list[tuple[str, Address]]:
    """Return the participants of a header of the usual form, or nothing if it isn't."""
    found: list[tuple[str, Address]] = []
    position = 0
    while position < len(text):
        match = _PLAIN.match(text, position)
        if match is None:
            return []
        quoted, phrase, angle, bare = match.groups()
        address = canonical(angle or bare)
        if address is None:
            return []
        found.append((_name(quoted or phrase or ""), address))
        position = match.end()
    return found


@dataclass(slots=True)
class _Entry:
    """What was read since the last comma."""

    words: list[str] = field(default_factory=lambda: [""])
    comments: list[str] = field(default_factory=list)
    angles: list[str] = field(default_factory=list)
    in_angle: bool = False

    def add(self, text: str) -> None:
        spoken = self.angles if self.in_angle else self.words
        # Without a bound, growing one endless word is quadratic.
        if len(spoken[-1]) < WORD_LENGTH:
            spoken[-1] += text[:WORD_LENGTH]

    def space(self) -> None:
        if self.in_angle:
            if not self.angles[-1].endswith(" "):
                self.add(" ")
        elif self.words[-1]:
            self.words.append("")

    def comment(self, text: str) -> None:
        self.comments.append(text)
        self.space()

    def in_route(self) -> bool:
        """Say whether a route is being read (RFC 5322 4.4): its commas part no entries."""
        return self.in_angle and self.angles[-1].startswith("@")

    def mark(self, token: str) -> None:
        if token == "<":
            self.space()
            self.in_angle = True
            self.angles.append("")
        elif token == ">":
            self.in_angle = False
        elif token == ":" and self.in_angle:
            # A route or a scheme: what counts comes after it.
            self.angles[-1] = ""
        elif token == ":":
            self.words = [""]
        elif token in "@,":
            self.add(token)
        else:
            self.space()

    def found(self) -> Iterator[tuple[str, Address]]:
        """Yield the entry's addresses, each with the entry's name."""
        addresses = [a for angle in self.angles if (a := _in_angle(angle))]
        if addresses:
            name = " ".join(_unquoted(word) for word in self.words if word)
        else:
            addresses = _bare(self.words)
            name = ""
        name = _name(name) or _name(" ".join(self.comments))
        for address in addresses:
            yield name, address


def _tokens(text: str) -> Iterator[tuple[str, Address]]:
    """Yield the participants of any header, read token by token."""
    entry = _Entry()
    position = 0
    grammar = _TOKEN
    comments_close = True
    while match := grammar.match(text, position):
        position = match.end()
        token = match[0]
        if match.lastgroup == "space":
            entry.space()
        elif match.lastgroup != "special":
            entry.add(token)
        elif token == '"':
            grammar = _TOKEN_AFTER_LOST_QUOTE
        elif token == "(" and comments_close:
            end = _comment_end(text, position)
            comments_close = end is not None
            if end is not None:
                entry.comment(text[position : end - 1])
                position = end
        elif token == "[" and (literal := _LITERAL.match(text, match.start())):
            entry.add(literal[0])
            position = literal.end()
        elif token in ",;" and not entry.in_route():
            yield from entry.found()
            entry = _Entry()
        else:
            entry.mark(token)
    yield from entry.found()


def _comment_end(text: str, position: int) -> int | None:
    """Return where the comment that opened before `position` ends; None when it doesn't."""
    depth = 1
    while match := _PAREN.search(text, position):
        position = match.end() + (match[0] == "\\")
        depth += {"(": 1, ")": -1, "\\": 0}[match[0]]
        if depth == 0:
            return position
    return None


def _in_angle(text: str) -> Address | None:
    text = text.strip()
    return canonical(text) or canonical(_LOOSE.sub(r"\1", text).replace(" ", ""))


def _bare(words: list[str]) -> list[Address]:
    """Return the addresses among an entry's words that stand without brackets."""
    if any(word and (word[0] in "@." or word[-1] in "@.") for word in words):
        words = _LOOSE.sub(r"\1", " ".join(words)).split(" ")
    return [a for word in words if "@" in word and (a := canonical(word))]


def _unquoted(word: str) -> str:
    if word.startswith('"') and word.endswith('"') and len(word) > 1:
        return _PAIR.sub(r"\1", word[1:-1])
    return word


def _name(text: str) -> str:
    """Return a display name: encoded words decoded, spaces single, cut to a bound."""
    if not text:
        return ""
    text = _SPACES.sub(" ", decode_words(text)).strip()
    return _UNPRINTABLE.sub("", text)[:NAME_LENGTH].strip(" '\"")
