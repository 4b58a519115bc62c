"""How the pages look that a person sees at a provider: plain, and readable to a test."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Protocol

from tests.fakes.common.wire import Answer, page_answer

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}
fieldset{border:1px solid #dadce0;border-radius:8px;margin:1rem 0;padding:.75rem 1rem}
label{display:block;padding:.25rem 0}button{font:inherit;padding:.5rem 1.5rem;margin-right:.5rem;
border-radius:4px;border:1px solid #747775;background:#fff;cursor:pointer}
button[value=allow]{background:#0b57d0;border-color:#0b57d0;color:#fff}
.note{color:#5f6368;font-size:.875rem}
"""


class Shown(Protocol):
    """A person to choose."""

    name: str
    address: str


def framed(title: str, body: str, status: int = 200) -> Answer:
    """Return a page that no other may frame."""
    return page_answer(
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><body>{body}</body></html>",
        status,
        {"x-frame-options": "DENY", "referrer-policy": "no-referrer"},
    )


def radios(people: Iterable[Shown], chosen: Shown | None) -> str:
    """Return the part of a form that asks which account."""
    return "".join(
        f'<label><input type="radio" name="account" value="{escape(each.address)}" required'
        f"{' checked' if each is chosen else ''}> {escape(each.name)} "
        f'<span class="note">{escape(each.address)}</span></label>'
        for each in people
    )
