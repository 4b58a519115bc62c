"""The pages that a person sees at Google: whom to be, what to allow, what went wrong."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tests.fakes.common.page import framed, radios
from tests.fakes.common.wire import Answer
from tests.fakes.google import scopes

if TYPE_CHECKING:
    from tests.fakes.google.authorize import Asked
    from tests.fakes.google.world import World

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
    people = radios(accounts, hinted)
    ticked = " checked" if world.settings.boxes_ticked else ""
    boxes = "".join(
        f'<label><input type="checkbox" name="scope" value="{escape(each)}"{ticked}> '
        f'{escape(_WORDS.get(each, each))} <span class="note">{escape(each)}</span></label>'
        for each in sorted(asked.scopes - scopes.SIGN_IN)
    )
    allowed = f"<fieldset><legend>Select what it can access</legend>{boxes}</fieldset>"
    return framed(
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
    return framed(
        "Access blocked",
        f"<h1>Access blocked: Authorization Error</h1><p>{escape(says)}</p>"
        f"<p>Error {status}: <code>{escape(error)}</code></p>",
        status,
    )
