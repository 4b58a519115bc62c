"""A message as it was laid out: sanitised, its own images in place, nothing from elsewhere."""

from __future__ import annotations

import re
from base64 import b64encode
from html import escape, unescape
from urllib.parse import unquote

from web.api.conversations import media_type
from worker.reading import Reading
from worker.refused import NotThere
from worker.shown import MessageShown

LETTER_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline';"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
"""No script, no form, no request to anywhere: whoever sent the mail learns nothing."""
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MOST_IMAGE_BYTES = 8 * 1024 * 1024
CID = re.compile(r"""(?P<quote>["'])\s*cid:(?P<id>[^"']{1,500})(?P=quote)""", re.IGNORECASE)
SHELL = (
    '<!doctype html><html><head><meta charset="utf-8"><title>Message</title>'
    "<style>body{{font:16px/1.5 system-ui,sans-serif;margin:1rem;color:#111;background:#fff;"
    "overflow-wrap:anywhere}}img{{max-width:100%;height:auto}}table{{max-width:100%}}</style>"
    "</head><body>{body}</body></html>"
)


def letter_html(reading: Reading, message: str) -> str:
    """Return a message's HTML as a page of its own, or its text if it has none.

    Raises:
        NotThere: There is none that may be read.
    """
    shown = reading.message(message)
    if not shown.body.html.strip():
        return SHELL.format(body=f"<pre>{escape(shown.body.text)}</pre>")
    return SHELL.format(body=with_images(reading, shown))


def with_images(reading: Reading, shown: MessageShown) -> str:
    """Return the HTML with its inline images in it.

    In it, and not beside it: a sandboxed page has no cookie to fetch them with.
    """
    held = {file.card.content_id: file for file in shown.attachments if file.card.content_id}
    left = MOST_IMAGE_BYTES
    made: dict[str, str] = {}

    def place(match: re.Match[str]) -> str:
        nonlocal left
        name = unquote(unescape(match["id"])).strip("<>")
        file = held.get(name)
        if file is None or media_type(file.card.content_type) not in IMAGES:
            return '""'
        if name not in made:
            if file.size > left:
                return '""'
            try:
                _, content = reading.attachment(file.id)
            except NotThere:
                return '""'
            left -= len(content)
            kind = media_type(file.card.content_type)
            made[name] = f'"data:{kind};base64,{b64encode(content).decode()}"'
        return made[name]

    return CID.sub(place, shown.body.html)
