"""Markers planted where something personal goes, and the search for them in every spelling."""

from __future__ import annotations

import base64
import html
import quopri
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import quote

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


def spellings(token: str) -> Iterator[bytes]:
    """Yield the ways in which a text may lie in a file: encodings, escapes and cases."""
    for text in (token, token.upper(), token.title()):
        raw = text.encode()
        yield raw
        yield text.encode("utf-16-le")
        yield text.encode("utf-16-be")
        yield from (raw.hex().encode(), raw.hex().upper().encode())
        yield "".join(f"%{byte:02X}" for byte in raw).encode()
        yield quote(text).encode()
        yield "".join(f"={byte:02X}" for byte in raw).encode()
        yield quopri.encodestring(raw)
        yield html.escape("".join(f"&#{byte};" for byte in raw)).replace("&amp;", "&").encode()
        yield "".join(f"\\u{byte:04x}" for byte in raw).encode()
        for offset in range(3):
            padded = base64.b64encode(b"\0" * offset + raw + b"\0" * 3)
            # The letters that depend on the neighbours are left out.
            yield padded[4 if offset else 0 : (offset + len(raw)) // 3 * 4]


def files_with(token: str, *places: Path) -> dict[str, int]:
    """Return the files below the places that hold the token in any spelling, with counts."""
    sought = set(spellings(token))
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
