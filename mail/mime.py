"""The parts of a mail: fields, parameters and contents, whatever tool split them."""

from __future__ import annotations

import binascii
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from mail.charset import decode
from mail.encoded_word import decode_words, header_text

Fields = Mapping[bytes, bytes]
"""The first field of each lower-case name, unfolded."""

# Possessive, and no semicolon skipped before the name: every attempt ends at the next one.
_PARAMETER = re.compile(
    r";\s*+([^\s=;\"]{1,100}+)\s*+=\s*+(?:\"((?:[^\"\\]++|\\.)*+)\"?|([^;]*+))", re.DOTALL
)
_CONTINUED = re.compile(r"([^*]+)\*(?:(\d{1,3})(\*)?)?")
_ESCAPE = re.compile(r'\\(["\\])')
_TYPE = re.compile(r"([a-z0-9][a-z0-9!#$&^_.+-]{0,126})/([a-z0-9][a-z0-9!#$&^_.+-]{0,126})")
_BASE64 = b"base64"
_BASE64_ALPHABET = string.ascii_letters.encode() + string.digits.encode() + b"+/"
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_UNSAFE_NAME = re.compile("[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
NAME_LENGTH = 255
"""Characters of a file name that are kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """A node of a mail's tree. `body` is as sent, empty for one with children.

    `path` counts from one at each level, as IMAP does ("2.1"); the root's is empty.
    `encoding` is the transfer encoding in lower case; empty where nothing is to be decoded.
    """

    path: str
    type: str
    params: Mapping[str, str]
    disposition: str
    disposition_params: Mapping[str, str]
    content_id: str
    encoding: bytes
    body: bytes = field(repr=False)
    children: tuple[Part, ...] = ()

    @property
    def content(self) -> bytes:
        """The body without its transfer encoding. Worked out at each access."""
        return transfer_decoded(self.encoding, self.body)

    @property
    def size(self) -> int:
        """The bytes of `content`; most attachments are base64, which tells it undecoded."""
        if self.encoding == _BASE64:
            return base64_size(self.body)
        return len(self.content)

    @property
    def filename(self) -> str:
        """The name the sender gave, without any folder; '' when there is none."""
        given = self.disposition_params.get("filename") or self.params.get("name") or ""
        name = _UNSAFE_NAME.sub(" ", decode_words(given)).replace("\\", "/").rpartition("/")[2]
        return name.strip()[:NAME_LENGTH]

    @property
    def attached(self) -> bool:
        """Whether the sender says that this part is not to be shown in the text."""
        return self.disposition not in ("", "inline")


def walk(part: Part) -> Iterator[Part]:
    """Yield a part and all below it, depth first."""
    yield part
    for child in part.children:
        yield from walk(child)


def content_type(fields: Fields, default: str) -> tuple[str, dict[str, str]]:
    """Return a part's media type in lower case, and its parameters (RFC 2045 5.2)."""
    value = header_text(fields.get(b"content-type", b""))
    stated, params = parameters(value)
    match = _TYPE.match(stated.lower().replace(" ", ""))
    if match:
        return match[0], params
    return ("text/plain" if value else default), params


def leaf(
    path: str, media_type: str, params: Mapping[str, str], fields: Fields, body: bytes
) -> Part:
    """Make a part without children of its header fields and its body as sent."""
    encoding = fields.get(b"content-transfer-encoding", b"").lower().strip(b" \t;\"'")
    return build(path, media_type, params, fields, encoding, body, ())


def build(
    path: str,
    media_type: str,
    params: Mapping[str, str],
    fields: Fields,
    encoding: bytes,
    body: bytes,
    children: tuple[Part, ...],
) -> Part:
    """Make a part of what its Content-Type says and its other header fields."""
    disposition, disposition_params = parameters(
        header_text(fields.get(b"content-disposition", b""))
    )
    content_id = header_text(fields.get(b"content-id", b"")).strip("<> \t")[:NAME_LENGTH]
    return Part(
        path,
        media_type,
        params,
        disposition.lower(),
        disposition_params,
        content_id,
        encoding,
        body,
        children,
    )


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Return a field's main value and its parameters, names in lower case, the first wins.

    Continued and encoded ones are put together (RFC 2231 3 and 4). Linear in time.
    """
    main, _, _ = value.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, quoted, bare in _PARAMETER.findall(value, len(main)):
        text = _ESCAPE.sub(r"\1", quoted) if quoted else bare.strip()
        match = _CONTINUED.fullmatch(name.lower())
        if match is None:
            plain.setdefault(name.lower(), text)
        else:
            number = int(match[2] or 0)
            encoded = match[3] is not None or match[2] is None
            pieces.setdefault(match[1], {}).setdefault(number, (encoded, text))
    extended = {name: _joined(numbered) for name, numbered in pieces.items()}
    return main.strip(), {**plain, **{name: text for name, text in extended.items() if text}}


def _joined(pieces: dict[int, tuple[bool, str]]) -> str:
    content = b""
    charset = ""
    for place, number in enumerate(sorted(pieces)):
        encoded, text = pieces[number]
        if place == 0 and encoded and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        raw = text.encode("utf-8", "replace")
        content += unquote_to_bytes(raw) if encoded else raw
    return decode(content, charset)


def transfer_decoded(encoding: bytes, body: bytes) -> bytes:
    """Return a body without its transfer encoding; what can't be decoded stays as it is."""
    if encoding == _BASE64:
        return base64_decoded(body)
    if encoding in (b"quoted-printable", b"quoted-printeable", b"quoted_printable"):
        return binascii.a2b_qp(body)
    if encoding in (b"x-uuencode", b"uuencode", b"uue", b"x-uue"):
        return uu_decoded(body.splitlines())
    return body


def base64_decoded(body: bytes) -> bytes:
    """Decode base64 up to its padding; what isn't of its alphabet is passed over."""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        kept = _NOT_BASE64.sub(b"", body.partition(b"=")[0])
        kept = kept[: len(kept) - (len(kept) % 4 == 1)]
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def base64_size(body: bytes) -> int:
    """Return how many bytes `base64_decoded` makes of a body.

    Not decoded where it is sound: characters of the alphabet and line ends, padding at the
    end alone and as long as it must be. Then each character is six bits.
    """
    others = body.translate(None, _BASE64_ALPHABET)
    characters = len(body) - len(others)
    padding = b"=" * (-characters % 4)
    is_sound = others.translate(None, b"\r\n") == padding and len(padding) < 3
    if is_sound and body.rstrip(b"\r\n").endswith(padding):
        return characters * 6 // 8
    return len(base64_decoded(body))


def uu_decoded(lines: list[bytes]) -> bytes:
    """Decode the lines between `begin` and `end`; a broken line is cut, not refused."""
    content: list[bytes] = []
    started = False
    for line in lines:
        if not started:
            started = line.startswith(b"begin ")
            continue
        if line.strip() == b"end":
            break
        try:
            content.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Seen: lines with trailing junk. The length is said by the first character.
            octets = (((line[:1] or b" ")[0] - 32) & 63) * 4 // 3 + 1
            try:
                content.append(binascii.a2b_uu(line[: octets + 1]))
            except binascii.Error:
                continue
    return b"".join(content)
