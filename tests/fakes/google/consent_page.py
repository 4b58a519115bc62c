"""The pages that a person sees at Google: whom to be, what to allow, what went wrong."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tests.fakes.common.wire import Answer, page_answer
from tests.fakes.google import scopes

if TYPE_CHECKING:
    from tests.fakes.google.authorize import Asked
    from tests.fakes.google.world import World

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}
fieldset{border:1px solid #dadce0;border-radius:8px;margin:1rem 0;padding:.75rem 1rem}
label{display:block;padding:.25rem 0}button{font:inherit;padding:.5rem 1.5rem;margin-right:.5rem;
border-radius:4px;border:1px solid #747775;background:#fff;cursor:pointer}
button[value=allow]{background:#0b57d0;border-color:#0b57d0;color:#fff}
.note{color:#5f6368;font-size:.875rem}
"""

_WORDS = {
    "https://www.googleapis.com/auth/gmail.readonly": "View your email messages and settings",
    "https://www.googleapis.com/auth/gmail.metadata": "View your email message metadata",
    "https://www.googleapis.com/auth/gmail.modify": "Read, compose, and send emails",
    "https://mail.google.com/": "Read, compose, send, and permanently delete all your email",
}


def consent_page(world: World, asked: Asked, ticket: str) -> Answer:
    """Return the page that asks which account, and what it allows."""
    accounts = [each for each in world.accounts if not each.is_disabled]
    hinted = world.accounts.find(asked.login_hint) or (accounts[0] if len(accounts) == 1 else None)
    people = "".join(
        f'<label><input type="radio" name="account" value="{escape(each.address)}" required'
        f"{' checked' if each is hinted else ''}> {escape(each.name)} "
        f'<span class="note">{escape(each.address)}</span></label>'
        for each in accounts
    )
    ticked = " checked" if world.settings.boxes_ticked else ""
    boxes = "".join(
        f'<label><input type="checkbox" name="scope" value="{escape(each)}"{ticked}> '
        f'{escape(_WORDS.get(each, each))} <span class="note">{escape(each)}</span></label>'
        for each in sorted(asked.scopes - scopes.SIGN_IN)
    )
    allowed = f"<fieldset><legend>Select what it can access</legend>{boxes}</fieldset>"
    return _page(
        "Sign in with the stand-in for Google",
        f"""
<h1>{escape(asked.client.name)} wants to access your account</h1>
<p class="note">This is a stand-in for Google: no real account is touched.</p>
<form method="post" action="/signin/oauth/consent">
<input type="hidden" name="request" value="{escape(ticket)}">
<fieldset><legend>Choose an account</legend>{people or "There is no account."}</fieldset>
{allowed if boxes else ""}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny" formnovalidate>Deny</button>
</form>""",
        200,
    )


def error_page(status: int, error: str, says: str) -> Answer:
    """Return the page that is shown instead of going back to a program that can't be trusted."""
    return _page(
        "Access blocked",
        f"<h1>Access blocked: Authorization Error</h1><p>{escape(says)}</p>"
        f"<p>Error {status}: <code>{escape(error)}</code></p>",
        status,
    )


def _page(title: str, body: str, status: int) -> Answer:
    return page_answer(
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><body>{body}</body></html>",
        status,
        {"x-frame-options": "DENY", "referrer-policy": "no-referrer"},
    )
