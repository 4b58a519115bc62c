"""Plain text parts: their charset, flowed paragraphs, and files uuencoded in between."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping

from mail.charset import decode
from mail.mime import uu_decoded

_UU_BEGIN = re.compile(r"begin [0-7]{3,4} (\S.{0,254})")
_UU_LINE = 90
"""Characters that no uuencoded line is longer than."""
_UNSAVABLE = re.compile(r"[/\\:*?\"<>|\x00-\x1f]+")


def plain_text(content: bytes, params: Mapping[str, str]) -> tuple[str, list[tuple[str, bytes]]]:
    """Return a text part's text with plain line ends, and the files uuencoded in it."""
    text = decode(content, params.get("charset", ""))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if params.get("format", "").lower() == "flowed":
        text = _unflowed(text, delsp=params.get("delsp", "").lower() == "yes")
    files: list[tuple[str, bytes]] = []
    if "\nend" in text and "begin " in text:
        text, files = _without_uuencoded(text)
    return text.rstrip(), files


def _unflowed(text: str, *, delsp: bool) -> str:
    """Join the lines of flowed paragraphs (RFC 3676 4)."""
    lines: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        flows = content.endswith(" ") and content != "-- "
        spoken = content[:-1] if flows and delsp else content
        if open_depth == depth and content != "-- ":
            lines[-1].append(spoken)
        else:
            lines.append([">" * depth + (" " if depth else ""), spoken])
        open_depth = depth if flows else -1
    return "\n".join("".join(pieces) for pieces in lines)


def _without_uuencoded(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    kept: list[str] = []
    files: list[tuple[str, bytes]] = []
    lines = text.split("\n")
    place = 0
    while place < len(lines):
        match = _UU_BEGIN.fullmatch(lines[place])
        end = _uu_end(lines, place + 1) if match else 0
        if match and end:
            raw = [line.encode("ascii", "replace") for line in lines[place : end + 1]]
            files.append((_UNSAVABLE.sub("_", match[1]).strip(), uu_decoded(raw)))
            place = end + 1
        else:
            kept.append(lines[place])
            place += 1
    return "\n".join(kept), files


def _uu_end(lines: list[str], start: int) -> int:
    """Return the line on which uuencoded content ends; 0 when this isn't any.

    Stops at the next `begin`, so that all searches together read each line once.
    """
    for place in range(start, len(lines)):
        line = lines[place]
        if line.rstrip() == "end":
            return place if place > start else 0
        if len(line) > _UU_LINE or line.startswith("begin "):
            return 0
        if place == start:
            try:
                binascii.a2b_uu(line.encode("ascii", "replace"))
            except binascii.Error:
                return 0
    return 0
