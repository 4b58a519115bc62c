"""Mail addresses: one spelling per mailbox, so that two written forms compare equal."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NewType

import idna

Address = NewType("Address", str)
"""An address in its canonical spelling; only `canonical` makes one."""

Domain = NewType("Domain", str)
"""A domain in its canonical spelling; only `canonical_domain` makes one."""

# RFC 5321 4.5.3.1, in octets; an address is a path of 256 without its brackets.
LOCAL_OCTETS = 64
DOMAIN_OCTETS = 255
ADDRESS_OCTETS = 254

_PLAIN = re.compile(
    r"[a-zA-Z0-9._+&/=!#$%*?^`{|}~-]{1,64}@"
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.){1,8}[a-zA-Z]{2,24}"
)
_ATOMS = re.compile(r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\]]+")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LITERAL = re.compile(r"\[(?:[0-9.]{7,15}|ipv6:[0-9a-f:.]{2,45})\]")
_QUOTED_PAIR = re.compile(r"\\(.)")
_DOTS = re.compile("[\u3002\uff0e\uff61]")
_WRAPPING = " \t\r\n\u00a0\u200b\u200e\u200f\u2060\ufeff\u00ad"
_BEHIND = _WRAPPING + ">.,;:'\"()!?"


@dataclass(frozen=True, slots=True)
class Participant:
    """A person as a mail names them: the display name (may be empty) and the address."""

    name: str
    address: Address


def canonical(text: str) -> Address | None:
    """Return the one spelling of an address, or None when the text is no address.

    Upper and lower case, the Unicode and the ASCII form of a domain, a trailing dot, angle
    brackets, `mailto:` and needless quotes make no difference. Plus-tags and the dots of
    Gmail do: they are different addresses here, because only their provider knows whether
    one person reads both. Doing it twice changes nothing.
    """
    if is_plain(text):
        return Address(text.lower())
    text = _unwrapped(text)
    local, at, domain_text = text.rpartition("@")
    if not at or len(text) > 2 * ADDRESS_OCTETS:
        return None
    local_part = _canonical_local(local)
    domain = canonical_domain(domain_text)
    if local_part is None or domain is None:
        return None
    address = f"{local_part}@{domain}"
    return Address(address) if len(address.encode()) <= ADDRESS_OCTETS else None


def is_plain(text: str) -> bool:
    """Say whether lower case is all that the text lacks to be a canonical address."""
    return (
        _PLAIN.fullmatch(text) is not None
        and len(text) <= ADDRESS_OCTETS
        and ("--" not in text or "xn--" not in text.lower())
    )


def canonical_domain(text: str) -> Domain | None:
    """Return the one spelling of a domain (lower-case A-labels), or None when it is none.

    A single label passes (mail inside a host), and so does an address literal.
    """
    text = _DOTS.sub(".", text.strip(_WRAPPING)).rstrip(".").lower()
    if not text or len(text) > DOMAIN_OCTETS:
        return None
    if text.startswith("["):
        return Domain(text) if _LITERAL.fullmatch(text) else None
    if not text.isascii() or "xn--" in text:
        text = _ascii_domain(text)
    if len(text) > DOMAIN_OCTETS or not all(_LABEL.fullmatch(part) for part in text.split(".")):
        return None
    return Domain(text)


def domain_of(address: Address) -> Domain:
    """Return the domain of a canonical address."""
    return Domain(address[address.rindex("@") + 1 :])


def _unwrapped(text: str) -> str:
    """Cut what people and programs put around an address."""
    text = text.strip(_WRAPPING)
    if "<" in text and text.endswith(">"):
        text = text[text.rindex("<") + 1 : -1].strip(_WRAPPING)
    if text[:7].lower() == "mailto:":
        text = text[7:]
    if text[:1] == "'" and text[-1:] == "'":
        text = text[1:-1]
    if text[:1] == '"' and text[-1:] == '"' and "@" in text:
        text = text[1:-1]
    text = text.lstrip(_WRAPPING + "<(")
    return text if text.endswith("]") else text.rstrip(_BEHIND)


def _canonical_local(text: str) -> str | None:
    """Fold case and unquote where the quotes change nothing (RFC 5321 4.1.2)."""
    if text.startswith('"') and text.endswith('"') and len(text) > 2:
        content = _QUOTED_PAIR.sub(r"\1", text[1:-1])
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in content):
            return None
        content = _folded(content)
        if not _ATOMS.fullmatch(content):
            escaped = content.replace("\\", "\\\\").replace('"', '\\"')
            content = f'"{escaped}"'
    else:
        content = _folded(text)
        if not _ATOMS.fullmatch(content):
            return None
        if any(unicodedata.category(char) in ("Cc", "Cs", "Cf") for char in content):
            return None
    return content if 0 < len(content.encode(errors="replace")) <= LOCAL_OCTETS else None


def _folded(text: str) -> str:
    """Fold case and composition until nothing changes any more."""
    if text.isascii():
        return text.lower()
    for _ in range(4):
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).lower())
        if folded == text:
            break
        text = folded
    return text


def _ascii_domain(text: str) -> str:
    """Return a domain as A-labels; labels that IDNA 2008 refuses (emoji) by plain punycode."""
    try:
        return idna.encode(text, uts46=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError, ValueError, IndexError):
        return ".".join(_ascii_label(label) for label in text.split("."))


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    folded = _folded(label)
    try:
        return folded if folded.isascii() else "xn--" + folded.encode("punycode").decode("ascii")
    except UnicodeError:
        return "?"
