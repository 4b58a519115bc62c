"""Pages from templates; everything that comes from a mail is escaped."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

HERE = Path(__file__).parent
STATIC = {
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    "google.svg": "image/svg+xml",
    "microsoft.svg": "image/svg+xml",
}
"""The files that pages load, and their types."""
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load: its own style sheet, images and frames, and no script at all."""


def moment(value: datetime | None) -> str:
    """Return a time as people read it, in UTC."""
    return "never" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def size(value: int) -> str:
    """Return a size as people read it."""
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value} {unit}"
        value //= 1000
    return f"{value} GB"


def prose(value: str) -> Markup:
    """Return a docstring as HTML: its lines joined, `code` as code."""
    joined = str(escape(re.sub(r"(?<!\n)\n(?!\n)", " ", value)))
    return Markup(CODE.sub(r"<code>\1</code>", joined))  # noqa: S704  # escaped just before


CODE = re.compile(r"`([^`]+)`")
environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.filters["moment"] = moment
environment.filters["size"] = size
environment.filters["prose"] = prose


def render(template: str, **values: object) -> str:
    """Return a page's HTML."""
    return environment.get_template(template).render(**values)


def html_page(html: str, status: int = 200, leads_to: Collection[str] = ()) -> HTMLResponse:
    """Return a page as an answer; its forms may lead on to further origins by a redirect.

    Browsers hold a form's redirects to the policy as well, to the last.
    """
    policy = POLICY
    if leads_to:
        origins = " ".join(("'self'", *sorted(leads_to)))
        policy = policy.replace("form-action 'self'", f"form-action {origins}")
    return HTMLResponse(html, status, {"Content-Security-Policy": policy})
