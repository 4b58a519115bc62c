"""The person's answer at the authorization endpoint: on a page, or as a test ordered it."""

from __future__ import annotations

import secrets
import urllib.parse

from tests.fakes.common.consent import Consent
from tests.fakes.common.wire import Answer, Call
from tests.fakes.google import scopes
from tests.fakes.google.accounts import Account
from tests.fakes.google.authorize import Asked, Wrong, granted, read
from tests.fakes.google.consent_page import consent_page, error_page
from tests.fakes.google.world import World


def authorize(world: World, call: Call) -> Answer:
    """Answer `GET /o/oauth2/v2/auth`: a page, an error page, or the way back at once."""
    try:
        asked = read(world, call)
    except Wrong as wrong:
        return wrong.page()
    if "none" in asked.prompt:
        return _silently(world, asked)
    if world.consent is not None:
        return _as_ordered(world, asked, world.consent)
    ticket = secrets.token_urlsafe(24)
    world.asked[ticket] = asked
    return consent_page(world, asked, ticket)


def decide(world: World, call: Call) -> Answer:
    """Answer the page's form: `request`, `account`, `scope` (repeated), `decision`."""
    text = call.body.decode("utf-8", "replace")
    form = urllib.parse.parse_qs(text, keep_blank_values=True)
    asked = world.asked.pop(form.get("request", [""])[0], None)
    if asked is None:
        return error_page(400, "invalid_request", "This page was answered already, or is too old.")
    if form.get("decision") != ["allow"]:
        return asked.back(world, error="access_denied")
    account = world.accounts.find(form.get("account", [""])[0])
    if account is None or account.is_disabled:
        return error_page(400, "invalid_request", "Choose an account.")
    chosen = frozenset(form.get("scope", ())) | scopes.SIGN_IN
    return _give(world, asked, account, chosen & asked.scopes)


def _silently(world: World, asked: Asked) -> Answer:
    account = world.accounts.meant(asked.login_hint)
    if account is None:
        return asked.back(world, error="login_required")
    grant = world.grants.find(asked.client, account)
    if grant is None or not asked.scopes <= grant.scopes:
        return asked.back(world, error="interaction_required")
    return granted(world, asked, account, asked.scopes)


def _as_ordered(world: World, asked: Asked, consent: Consent) -> Answer:
    if consent.is_denied:
        return asked.back(world, error="access_denied")
    account = world.accounts.meant(consent.address or asked.login_hint)
    if account is None:
        return error_page(400, "invalid_request", "Nobody was named to answer, and there are many.")
    wanted = asked.scopes if consent.scopes is None else consent.scopes & asked.scopes
    return _give(world, asked, account, wanted)


def _give(world: World, asked: Asked, account: Account, chosen: frozenset[str]) -> Answer:
    if not chosen:
        return asked.back(world, error="access_denied")
    return granted(world, asked, account, chosen)
