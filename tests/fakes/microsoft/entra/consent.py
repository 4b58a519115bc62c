"""The person's answer at the authorization endpoint: on a page, or as a test ordered it."""

from __future__ import annotations

import urllib.parse
from dataclasses import replace
from html import escape

from tests.fakes.common.consent import Consent
from tests.fakes.common.page import framed, radios
from tests.fakes.common.wire import Answer, Call
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.entra import scopes
from tests.fakes.microsoft.entra.authorize import Asked, Back, Wrong, granted, new_ticket, read
from tests.fakes.microsoft.entra.refusals import Denied, needs_admin, unconsented
from tests.fakes.microsoft.world import World

_WORDS = {
    "Mail.Read": "Read your mail",
    "User.Read": "Sign you in and read your profile",
    "IMAP.AccessAsUser.All": "Read and write access to your mail",
    "offline_access": "Maintain access to data you have given it access to",
    "openid": "Sign you in",
    "profile": "View your basic profile",
    "email": "View your email address",
}
"""What the page says of scopes, by their names without the resource."""
DECLINED = Denied(65004, "access_denied", "User declined to consent to access the app.")


def authorize(world: World, call: Call, tenant: str) -> Answer:
    """Answer `GET /{tenant}/oauth2/v2.0/authorize`: a page, or the way back at once."""
    try:
        asked = read(world, call, tenant)
    except Wrong as wrong:
        return wrong.page(world)
    except Back as back:
        return back.asked.denied(world, back.denied)
    if asked.prompt == "none":
        return _silently(world, asked)
    if world.consent is not None:
        return _as_ordered(world, asked, world.consent)
    return _page(world, asked)


def decide(world: World, call: Call, tenant: str) -> Answer:
    """Answer the page's form: `request`, `account`, `scope` (repeated), `decision`."""
    text = call.body.decode("utf-8", "replace")
    form = urllib.parse.parse_qs(text, keep_blank_values=True)
    asked = world.asked.pop(form.get("request", [""])[0], None)
    if asked is None:
        return framed("Sign in", "<p>This page was answered already, or is too old.</p>", 400)
    if form.get("decision") != ["allow"]:
        return asked.denied(world, DECLINED, error_subcode="cancel")
    account = world.accounts.find(form.get("account", [""])[0])
    if account is None:
        return framed("Sign in", "<p>Choose an account.</p>", 400)
    chosen = frozenset(form.get("scope", ())) | scopes.SIGN_IN
    return _give(world, asked, account, chosen & asked.scopes)


def _silently(world: World, asked: Asked) -> Answer:
    account = world.accounts.meant(asked.login_hint)
    if account is None:
        says = "Session information is not sufficient for single-sign-on."
        return asked.denied(world, Denied(50058, "login_required", says))
    held = world.grants.consented(asked.client, account)
    if not asked.scopes - scopes.SIGN_IN <= held:
        denied = replace(unconsented(asked.client.name), error="interaction_required")
        return asked.denied(world, denied)
    return _give(world, asked, account, asked.scopes)


def _as_ordered(world: World, asked: Asked, consent: Consent) -> Answer:
    if consent.is_denied:
        return asked.denied(world, DECLINED, error_subcode="cancel")
    account = world.accounts.meant(consent.address or asked.login_hint)
    if account is None:
        says = "<p>Nobody was named to answer, and there are many.</p>"
        return framed("Sign in", says, 400)
    wanted = asked.scopes if consent.scopes is None else consent.scopes & asked.scopes
    return _give(world, asked, account, wanted)


def _give(world: World, asked: Asked, account: Account, chosen: frozenset[str]) -> Answer:
    if refused := _refusal(world, asked, account, chosen):
        return asked.denied(world, refused, error_subcode="cancel")
    account.demand = None
    return granted(world, asked, account, chosen)


def _refusal(world: World, asked: Asked, account: Account, chosen: frozenset[str]) -> Denied | None:
    if account.is_disabled:
        return Denied(50057, "access_denied", "The user account is disabled.")
    if not world.tenants.admits(asked.tenant, account.tid):
        says = "The user account does not exist in the tenant and cannot access the application."
        return Denied(50020, "access_denied", says)
    if not chosen - {"offline_access"}:
        return DECLINED
    allowed = account.tenant.allowed.get(asked.client.client_id, frozenset())
    if account.tenant.needs_admin and not account.is_admin and not chosen <= allowed:
        # Microsoft shows this on a page of its own; the person can only go back from there.
        return needs_admin(account.tenant.needs_admin)
    if account.demand is not None and asked.prompt == "none":
        return replace(account.demand, error="interaction_required")
    return None


def _page(world: World, asked: Asked) -> Answer:
    people = [
        each
        for each in world.accounts
        if not each.is_disabled
        and not each.is_shared
        and world.tenants.admits(asked.tenant, each.tid)
    ]
    hinted = world.accounts.find(asked.login_hint) or (people[0] if len(people) == 1 else None)
    wanted = "".join(
        f'<label><input type="hidden" name="scope" value="{escape(each)}">'
        f"{escape(_WORDS.get(each.rpartition('/')[2], each))} "
        f'<span class="note">{escape(each)}</span></label>'
        for each in sorted(asked.scopes)
    )
    body = f"""
<h1>{escape(asked.client.name)}: permissions requested</h1>
<p class="note">This is a stand-in for Microsoft: no real account is touched.</p>
<form method="post" action="/{escape(asked.tenant)}/Consent/Set">
<input type="hidden" name="request" value="{escape(new_ticket(world, asked))}">
<fieldset><legend>Pick an account</legend>{radios(people, hinted) or "There is no account."}
</fieldset><fieldset><legend>This app would like to</legend>{wanted}</fieldset>
<button name="decision" value="allow">Accept</button>
<button name="decision" value="deny" formnovalidate>Cancel</button>
</form>"""
    return framed("Sign in with the stand-in for Microsoft", body)
