"""Which parts of a mail are its text, and which are things that people save."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from html import escape

from mail.charset import decode
from mail.encoded_word import decode_words, header_text
from mail.envelope import fields
from mail.html import MARKUP, has_huge_tag, to_bare_text, to_new_text, to_text, weight
from mail.limits import Limits
from mail.mime import Part
from mail.plain import plain_text
from mail.tnef import inner_files

_META_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_BYTES = "application/octet-stream"
_UNSAVABLE = re.compile(r"[/\\:*?\"<>|\x00-\x1f]+")
# Other forms of the same text, for watches and web mail: the mail as it came keeps them.
_OTHER_FORMS = ("text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext")
_EXTENSIONS = {
    "application/pdf": ".pdf", "application/pkcs7-mime": ".p7m", "application/zip": ".zip",
    "application/pkcs7-signature": ".p7s", "application/x-pkcs7-signature": ".p7s",
    "application/x-pkcs7-mime": ".p7m", "application/pgp-signature": ".asc",
    "application/pgp-encrypted": ".asc", "image/png": ".png", "image/jpeg": ".jpg",
    "image/gif": ".gif", "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics",
    "text/csv": ".csv", "message/delivery-status": ".txt", "text/rfc822-headers": ".txt",
    "message/disposition-notification": ".txt", "message/rfc822": ".eml",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that people save. `part` is its stable path, `size` counts decoded bytes.

    `content_type` keeps a calendar's method. `inline` says that the mail's HTML shows it.
    Files inside a winmail.dat have paths like "3.t1", uuencoded ones like "1.u1".
    """

    part: str
    filename: str
    content_type: str
    size: int
    inline: bool
    content_id: str


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of the mail's text, as plain text, as HTML, or as both."""

    plain: str | None
    markup: str | None

    def text(self) -> str:
        """Return it as text, from the HTML where the plain form is missing or empty."""
        if self.markup is not None and not (self.plain or "").strip():
            return to_text(self.markup)
        return self.plain or ""

    def own_text(self) -> str:
        """Return it as text, without what the HTML marks as quoted."""
        if self.markup is not None and not (self.plain or "").strip():
            return to_new_text(self.markup)
        return self.plain or ""


@dataclass(slots=True)
class Body:
    """What was found in a mail: its text in order, and its attachments.

    Each attachment comes with the part that it is, or with the bytes that were inside one.
    `weight` is what parsing its HTML costs, in tags.
    """

    blocks: list[Block] = field(default_factory=list)
    files: list[tuple[Attachment, Part | bytes]] = field(default_factory=list)
    weight: int = 0

    def text(self) -> str:
        """Return the whole text."""
        return _joined(block.text() for block in self.blocks)

    def own_text(self) -> str:
        """Return the text outside the quotations that HTML marks; the whole if none is."""
        return _joined(block.own_text() for block in self.blocks) or self.text()

    def markup(self) -> str:
        """Return the text as the HTML that was sent, not made harmless; '' when none was."""
        if all(block.markup is None for block in self.blocks):
            return ""
        return "\n".join(
            f"<pre>{escape(block.plain or '')}</pre>" if block.markup is None else block.markup
            for block in self.blocks
        )


def read_body(root: Part, limits: Limits) -> Body:
    """Sort a mail's parts into its text and its attachments."""
    body = Body()
    _sort(root, body, limits)
    if any(one.content_id for one, _ in body.files) and "cid:" in (markup := body.markup()):
        body.files = [(_shown(one, markup), source) for one, source in body.files]
    return body


def _sort(part: Part, body: Body, limits: Limits) -> None:
    if part.type == "multipart/alternative" and part.children:
        _alternative(part, body, limits)
    elif part.children:
        for child in part.children:
            _sort(child, body, limits)
    elif (content := _text_content(part, limits)) is not None:
        if part.type == "text/plain":
            body.blocks.append(Block(_plain(part, content, body), None))
        else:
            _markup(part, content, body)
    elif not part.type.startswith("multipart/") and (part.filename or part.size):
        body.files.append(_file(part))
        for number, (name, content) in enumerate(inner_files(part), 1):
            path = f"{part.path or '1'}.t{number}"
            body.files.append((_inner(path, name, content), content))


def _text_content(part: Part, limits: Limits) -> bytes | None:
    """Return the bytes of a part that is text to be shown; None when people save it."""
    if part.type not in ("text/plain", "text/html") or part.attached or part.filename:
        return None
    content = part.content
    return content if len(content) <= limits.text else None


def _alternative(part: Part, body: Body, limits: Limits) -> None:
    """Take the plain and the HTML form of one text; what has neither is attached."""
    plain: list[Block] = []
    marked: list[Block] = []
    for child in part.children:
        if child.type in _OTHER_FORMS and not child.attached:
            continue
        form = Body(weight=body.weight)
        _sort(child, form, limits)
        body.weight = form.weight
        body.files += form.files
        if any(block.markup is not None for block in form.blocks):
            marked = form.blocks
        elif not plain:
            plain = form.blocks
    if plain or marked:
        text = _joined(block.plain or "" for block in plain) if plain else None
        body.blocks.append(Block(text, Body(marked).markup() if marked else None))


def _plain(part: Part, content: bytes, body: Body) -> str:
    """Return a text part's text, and attach the files that are uuencoded in it."""
    text, files = plain_text(content, part.params)
    for number, (name, inner) in enumerate(files, 1):
        path = f"{part.path or '1'}.u{number}"
        body.files.append((_inner(path, name, inner), inner))
    return text


def _markup(part: Part, content: bytes, body: Body) -> None:
    """Take an HTML part's text; a bomb is attached, and shown as bare text."""
    markup = decode(content, part.params.get("charset") or _stated(content))
    body.weight += weight(markup)
    # Many heavy parts are a bomb as one of them is.
    if body.weight > MARKUP or has_huge_tag(markup):
        body.blocks.append(Block(to_bare_text(markup), None))
        body.files.append(_file(part))
    else:
        body.blocks.append(Block(None, markup))


def _stated(content: bytes) -> str:
    """Return the charset that an HTML document states itself."""
    match = _META_CHARSET.search(content, 0, 2_048)
    return match[1].decode("ascii") if match else ""


def _file(part: Part) -> tuple[Attachment, Part]:
    content_type = part.type
    method = part.params.get("method", "")
    if content_type == "text/calendar" and method.isalpha():
        content_type = f"text/calendar; method={method.upper()}"
    path = part.path or "1"
    name = part.filename or _named(part, path)
    one = Attachment(
        part=path,
        filename=name,
        content_type=content_type,
        size=part.size,
        inline=False,
        content_id=part.content_id,
    )
    return one, part


def _inner(path: str, name: str, content: bytes) -> Attachment:
    """Describe a file that was packed into another part."""
    size = len(content)
    return Attachment(
        part=path, filename=name, content_type=_BYTES, size=size, inline=False, content_id=""
    )


def _named(part: Part, path: str) -> str:
    """Return a name for a part that has none."""
    if part.type == "message/rfc822":
        subject = dict(reversed(fields(part.content[:65_536]))).get(b"subject", b"")
        spoken = _UNSAVABLE.sub(" ", decode_words(header_text(subject))).strip()[:200]
        return f"{spoken or 'message'}.eml"
    if part.type == "text/calendar":
        return "invite.ics"
    if part.type in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return "smime.p7m"
    return f"part-{path}{_EXTENSIONS.get(part.type, '.bin')}"


def _shown(one: Attachment, markup: str) -> Attachment:
    if not one.content_id or f"cid:{one.content_id}" not in markup:
        return one
    return replace(one, inline=True)


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(stripped for text in texts if (stripped := text.strip("\n")))
