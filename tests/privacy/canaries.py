"""Markers planted where something personal goes, and the search for them in every spelling."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from mail.address import Address, Participant

TOKEN_LETTERS = 18


@dataclass
class Canaries:
    """Markers of one token each, and of a number per place where one was planted."""

    token: str = field(default_factory=lambda: "q" + secrets.token_hex(TOKEN_LETTERS // 2))
    planted: dict[str, str] = field(default_factory=dict)

    def plant(self, where: str) -> str:
        """Return the marker of a place."""
        return self.planted.setdefault(where, f"{self.token}x{len(self.planted):03d}")

    def fill(self, card: type[Any], **given: object) -> Any:
        """Return an instance whose every text, address and person is a marker."""
        hints = get_type_hints(card)
        values = {
            one.name: self.value(f"{card.__name__}.{one.name}", str(hints[one.name]))
            for one in fields(card)
            if one.name not in given
        }
        return card(**values, **given)

    def value(self, where: str, kind: str) -> object:
        """Return a marker as the type asks for it."""
        if "Participant" in kind:
            person = Participant(self.plant(f"{where}.name"), self.address(where))
            return (person,) if kind.startswith("tuple") else person
        if "Address" in kind:
            return self.address(where)
        if "tuple" in kind:
            return (self.plant(where),)
        if "str" in kind:
            return self.plant(where)
        raise TypeError(f"{where} has a type without a marker: {kind}")

    def address(self, where: str) -> Address:
        """Return an address with a marker in it."""
        return Address(f"{self.plant(where)}@lead.example")


def spellings(token: str) -> dict[str, bytes]:
    """Return the ways in which a text may lie in a file, by name: encodings, escapes and cases."""
    found: dict[str, bytes] = {}
    for case, text in (("", token), ("upper ", token.upper()), ("title ", token.title())):
        raw = text.encode()
        found |= {
            f"{case}clear": raw,
            f"{case}reversed": raw[::-1],
            f"{case}utf-16-le": text.encode("utf-16-le"),
            f"{case}utf-16-be": text.encode("utf-16-be"),
            f"{case}utf-32-le": text.encode("utf-32-le"),
            f"{case}hex": raw.hex().encode(),
            f"{case}HEX": raw.hex().upper().encode(),
            **{f"{case}{name}": escaped(raw, form) for name, form in ESCAPES.items()},
            **aligned(f"{case}base64", raw, base64.b64encode, octets=3, letters=4),
            **aligned(f"{case}base64url", raw, base64.urlsafe_b64encode, octets=3, letters=4),
            **aligned(f"{case}base32", raw, base64.b32encode, octets=5, letters=8),
        }
    return found


ESCAPES = {
    "percent": "%{:02X}",
    "quoted-printable": "={:02X}",
    "entities": "&#{};",
    "hex entities": "&#x{:x};",
    "unicode escapes": "\\u{:04x}",
    "hex escapes": "\\x{:02x}",
    "octal escapes": "\\{:03o}",
}


def escaped(raw: bytes, form: str) -> bytes:
    """Return a text with each byte written as an escape."""
    return "".join(map(form.format, raw)).encode()


def aligned(
    name: str, raw: bytes, encode: Callable[[bytes], bytes], *, octets: int, letters: int
) -> dict[str, bytes]:
    """Return an encoding of blocks, wherever in a block the text begins.

    The letters that depend on the neighbours are left out.
    """
    found = {}
    for offset in range(octets):
        coded = encode(b"\0" * offset + raw + b"\0" * octets)
        ends = (offset + len(raw)) // octets * letters
        found[f"{name} at {offset}"] = coded[letters if offset else 0 : ends]
    return found


def files_with(token: str, *places: Path) -> dict[str, int]:
    """Return the files below the places that hold the token in any spelling, with counts."""
    sought = set(spellings(token).values())
    found: dict[str, int] = {}
    for place in places:
        for path in place.rglob("*"):
            if path.is_file() and not path.is_symlink():
                content = path.read_bytes()
                hits = sum(content.count(one) for one in sought)
                if hits:
                    found[str(path)] = hits
    return found


def markers_in(markers: dict[str, str], *places: Path) -> set[str]:
    """Return where the markers were planted that lie in clear in some file below the places."""
    content = b"".join(
        path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()
    )
    return {where for where, marker in markers.items() if marker.encode() in content}
