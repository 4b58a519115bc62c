"""The parts of a mail, taken apart on demand: for the payload tree, the snippet and the search."""

from __future__ import annotations

import email
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from tests.fakes.common.words import decoded, line_of

_TAG = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
SNIPPET_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Part:
    """A MIME part; `number` is its place in the tree, '' for the whole mail, then '0', '1.0'."""

    number: str
    mime_type: str
    filename: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    """Its content without transfer encoding; empty for a container."""
    parts: tuple[Part, ...]

    @property
    def is_external(self) -> bool:
        """Whether its content is had only by `attachments.get`: all that is not a plain body."""
        if self.mime_type.startswith("multipart/"):
            return False
        return bool(self.filename) or not self.mime_type.startswith("text/")

    def walk(self) -> Iterator[Part]:
        """Yield this part and all inside it, in order."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True, slots=True)
class Gist:
    """What is said of a mail's parts, without their content."""

    snippet: str
    body_line: str
    """The words of the text, for a search."""
    filenames: tuple[str, ...]
    """The names of its attachments."""


def dissect(raw: bytes) -> Part:
    """Take a mail apart."""
    return _part(email.message_from_bytes(raw), "")


def gist_of(raw: bytes) -> Gist:
    """Return what is said of a mail's parts."""
    root = dissect(raw)
    texts = [part for part in root.walk() if part.mime_type.startswith("text/")]
    own = [part for part in texts if not part.filename]
    plain = [part for part in own if part.mime_type == "text/plain"] or own
    return Gist(
        _snippet(" ".join(_text(part) for part in plain[:1])),
        line_of(*(_text(part) for part in own)),
        tuple(part.filename for part in root.walk() if part.filename),
    )


def _part(message: Message, number: str) -> Part:
    headers = tuple((name, _unfolded(value)) for name, value in message.raw_items())
    mime_type = message.get_content_type()
    inner: tuple[Part, ...] = ()
    body = b""
    if mime_type == "message/rfc822":
        payload = message.get_payload()
        nested = payload[0] if isinstance(payload, list) and payload else None
        body = nested.as_bytes() if isinstance(nested, Message) else b""
    elif message.is_multipart():
        prefix = f"{number}." if number else ""
        children = [each for each in message.get_payload() if isinstance(each, Message)]
        inner = tuple(_part(child, f"{prefix}{n}") for n, child in enumerate(children))
    else:
        payload = message.get_payload(decode=True)
        body = payload if isinstance(payload, bytes) else b""
    return Part(number, mime_type, _filename(message), headers, body, inner)


def _filename(message: Message) -> str:
    try:
        return decoded(message.get_filename() or "")
    except (LookupError, UnicodeError, ValueError):
        return ""


def _unfolded(value: object) -> str:
    text = str(value).replace("\r", "").replace("\n", "")
    return decoded(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _text(part: Part) -> str:
    content_type = {name.lower(): value for name, value in part.headers}.get("content-type", "")
    named = re.search(r'charset="?([\w.:-]+)', content_type, re.IGNORECASE)
    try:
        text = part.body.decode(named[1] if named else "utf-8", "replace")
    except LookupError:
        text = part.body.decode("latin-1")
    return html.unescape(_TAG.sub(" ", text)) if part.mime_type == "text/html" else text


def _snippet(text: str) -> str:
    return html.escape(" ".join(text.split())[:SNIPPET_LENGTH])
