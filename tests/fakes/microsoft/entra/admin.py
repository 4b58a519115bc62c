"""The administrator's consent for a whole organisation, delegated and app-only.

See learn.microsoft.com/entra/identity-platform/v2-admin-consent and the client credentials flow.
"""

from __future__ import annotations

import urllib.parse
from html import escape

from tests.fakes.common.page import framed, radios
from tests.fakes.common.people import Client
from tests.fakes.common.wire import Answer, Call, redirect
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.entra import scopes
from tests.fakes.microsoft.entra.refusals import unknown_client
from tests.fakes.microsoft.world import World

_REGISTERED = frozenset({f"{scopes.GRAPH}/Mail.Read", f"{scopes.GRAPH}/User.Read", *scopes.SIGN_IN})
"""What the registration lists, which v1's endpoint asks for."""


def consent(world: World, call: Call, tenant: str) -> Answer:
    """Answer `GET /{tenant}/adminconsent` and `GET /{tenant}/v2.0/adminconsent`."""
    client = world.clients.get(call.parameter("client_id") or "")
    back = call.parameter("redirect_uri") or ""
    if client is None:
        said = unknown_client(call.parameter("client_id") or "", tenant).describe(world.clock.now())
        return framed("Sign in", f"<p>{escape(said)}</p>", 400)
    if not any(back.startswith(each) for each in client.redirect_uris):
        return framed("Sign in", "<p>AADSTS50011: The redirect URI does not match.</p>", 400)
    administrators = [
        each for each in world.accounts if each.is_admin and world.tenants.admits(tenant, each.tid)
    ]
    ordered = world.consent
    if ordered is not None and ordered.is_denied:
        return _refused(call, back)
    if ordered is not None:
        named = world.accounts.find(ordered.address or "")
        chosen = named if named in administrators else next(iter(administrators), None)
        return _given(world, call, client, chosen, back)
    form = f"""
<h1>{escape(client.name)}: permissions for your organization</h1>
<p class="note">This is a stand-in for Microsoft: no real account is touched.</p>
<form method="post" action="/{escape(tenant)}/adminconsent?{escape(_again(call))}">
<fieldset><legend>Administrator</legend>{radios(administrators, None) or "There is none."}
</fieldset><button name="decision" value="allow">Accept</button>
<button name="decision" value="deny" formnovalidate>Cancel</button></form>"""
    return framed("Permissions requested", form)


def decide(world: World, call: Call, tenant: str) -> Answer:
    """Answer the page's form."""
    client = world.clients.get(call.parameter("client_id") or "")
    back = call.parameter("redirect_uri") or ""
    form = call.form()
    if client is None or not any(back.startswith(each) for each in client.redirect_uris):
        return framed("Sign in", "<p>AADSTS50011: The redirect URI does not match.</p>", 400)
    if form.get("decision") != "allow":
        return _refused(call, back)
    return _given(world, call, client, world.accounts.find(form.get("account", "")), back)


def _given(
    world: World, call: Call, client: Client, administrator: Account | None, back: str
) -> Answer:
    if administrator is None or not administrator.is_admin:
        said = "AADSTS90094: only an administrator may grant this."
        return framed("Sign in", f"<p>{said}</p>", 403)
    tenant = administrator.tenant
    wanted = scopes.expanded(call.parameter("scope") or "", world.url)
    wanted = frozenset(each for each in wanted if not each.endswith("/.default")) or _REGISTERED
    tenant.allowed[client.client_id] = tenant.allowed.get(client.client_id, frozenset()) | wanted
    roles = world.settings.registered_roles
    tenant.roles[client.client_id] = tenant.roles.get(client.client_id, frozenset()) | roles
    answer = {"admin_consent": "True", "tenant": tenant.id}
    return _back(call, back, answer)


def _refused(call: Call, back: str) -> Answer:
    told = {"error": "access_denied", "error_description": "The admin canceled the request"}
    return _back(call, back, told)


def _back(call: Call, back: str, answer: dict[str, str]) -> Answer:
    if (state := call.parameter("state")) is not None:
        answer["state"] = state
    joint = "&" if "?" in back else "?"
    return redirect(back + joint + urllib.parse.urlencode(answer))


def _again(call: Call) -> str:
    return urllib.parse.urlencode(call.query)
