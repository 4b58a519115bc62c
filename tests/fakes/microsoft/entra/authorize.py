"""The authorization endpoint: checks what a program asks for and sends the browser back."""

from __future__ import annotations

import secrets
import urllib.parse
import uuid
from dataclasses import dataclass

from tests.fakes.common.page import framed
from tests.fakes.common.people import Client
from tests.fakes.common.proof import is_challenge
from tests.fakes.common.wire import Answer, Call, redirect
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.entra import scopes
from tests.fakes.microsoft.entra.grants import Code
from tests.fakes.microsoft.entra.identity import client_info
from tests.fakes.microsoft.entra.metadata import issuer
from tests.fakes.microsoft.entra.refusals import (
    Denied,
    missing,
    unknown_client,
    unknown_tenant,
)
from tests.fakes.microsoft.world import World

_PROMPTS = frozenset({"", "login", "none", "consent", "select_account"})
_KNOWN = frozenset(
    "client_id redirect_uri response_type response_mode scope state nonce prompt login_hint "
    "domain_hint code_challenge code_challenge_method claims client_info max_age ui_locales mkt "
    "sso_reload X-AnchorMailbox client-request-id x-client-SKU x-client-VER x-client-OS".split()
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request that is as it should be."""

    client: Client
    tenant: str
    """The name in the path."""
    redirect_uri: str
    scopes: frozenset[str]
    state: str | None
    nonce: str | None
    prompt: str
    login_hint: str
    challenge: str | None
    method: str
    claims: str
    wants_client_info: bool

    def back(self, world: World, account: Account | None = None, **answer: str) -> Answer:
        """Send the browser back to the program."""
        if account is not None and self.wants_client_info:
            answer["client_info"] = client_info(account)
        if self.state is not None:
            answer["state"] = self.state
        if account is not None:
            answer["session_state"] = str(uuid.uuid4())
        if world.settings.sends_iss:
            answer["iss"] = issuer(world, account.tid if account else "{tenantid}")
        joint = "&" if "?" in self.redirect_uri else "?"
        return redirect(self.redirect_uri + joint + urllib.parse.urlencode(answer))

    def denied(self, world: World, denied: Denied, **more: str) -> Answer:
        """Send the browser back with a refusal."""
        described = denied.describe(world.clock.now())
        return self.back(world, None, error=denied.error, error_description=described, **more)


class Wrong(Exception):
    """A request that is shown to the person and never sent back to the program."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied.error)
        self.denied = denied

    def page(self, world: World) -> Answer:
        """Return what the person sees."""
        says = self.denied.describe(world.clock.now()).partition("\r\n")[0]
        body = (
            f"<h1>Sign in</h1><p>Sorry, but we're having trouble signing you in.</p><p>{says}</p>"
        )
        return framed("Sign in to your account", body, 400)


class Back(Exception):
    """A request that is refused to the program."""

    def __init__(self, asked: Asked, denied: Denied) -> None:
        super().__init__(denied.error)
        self.asked = asked
        self.denied = denied


def read(world: World, call: Call, tenant: str) -> Asked:
    """Return what is asked for.

    Raises:
        Wrong: The program or where to send the browser is not known.
        Back: The program is known and asks for what can't be.
    """
    given = _once(call)
    client, redirect_uri = _who(world, given, tenant)
    asked = Asked(
        client,
        tenant,
        redirect_uri,
        scopes.expanded(given.get("scope", ""), world.url),
        given.get("state"),
        given.get("nonce"),
        given.get("prompt", ""),
        given.get("login_hint", ""),
        given.get("code_challenge"),
        given.get("code_challenge_method", "plain"),
        given.get("claims", ""),
        given.get("client_info") == "1",
    )
    for denied in _faults(world, asked, given):
        raise Back(asked, denied)
    return asked


def granted(world: World, asked: Asked, account: Account, chosen: frozenset[str]) -> Answer:
    """Note what a person allows and send the browser back with a code."""
    world.grants.allow(asked.client, account, chosen)
    code = Code(
        *(asked.client, asked.redirect_uri, account, chosen, asked.nonce),
        *(asked.challenge, asked.method, world.clock.now() + world.settings.code_lasts),
        claims=asked.claims,
    )
    return asked.back(world, account, code=world.grants.add_code(code))


def _once(call: Call) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in call.query:
        if name in given:
            raise Wrong(_malformed(f"the parameter '{name}' is duplicated"))
        if name not in _KNOWN:
            raise Wrong(_malformed(f"the stand-in does not know '{name}'"))
        given[name] = value
    return given


def _who(world: World, given: dict[str, str], tenant: str) -> tuple[Client, str]:
    if not world.tenants.is_served(tenant):
        raise Wrong(unknown_tenant(tenant))
    for name in ("client_id", "response_type", "scope"):
        if not given.get(name):
            raise Wrong(missing(name))
    client = world.clients.get(given["client_id"])
    if client is None:
        raise Wrong(unknown_client(given["client_id"], tenant))
    redirect_uri = given.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris:
        says = (
            f"The redirect URI '{redirect_uri}' specified in the request does not match the "
            f"redirect URIs configured for the application '{client.client_id}'."
        )
        raise Wrong(Denied(50011, "invalid_request", says))
    return client, redirect_uri


def _faults(world: World, asked: Asked, given: dict[str, str]) -> list[Denied]:
    wrong: list[Denied] = []
    if given["response_type"] != "code":
        says = "The stand-in serves response_type=code."
        wrong.append(Denied(700051, "unsupported_response_type", says))
    if given.get("response_mode", "query") != "query":
        wrong.append(_malformed("the stand-in serves response_mode=query"))
    if asked.prompt not in _PROMPTS:
        says = f"Unsupported 'prompt' value: {asked.prompt}."
        wrong.append(Denied(90023, "invalid_request", says))
    if unknown := scopes.unknown(asked.scopes):
        says = (
            f"The application '{asked.client.name}' asked for scope '{unknown[0]}' that doesn't "
            "exist on the resource."
        )
        wrong.append(Denied(650053, "invalid_client", says))
    methods = {"S256", "plain"} if world.settings.allows_plain_pkce else {"S256"}
    if asked.challenge is None and "code_challenge_method" in given:
        wrong.append(missing("code_challenge"))
    if asked.challenge is not None and asked.method not in methods:
        wrong.append(_malformed(f"code_challenge_method '{asked.method}' is not supported"))
    elif asked.challenge is not None and not is_challenge(asked.challenge):
        wrong.append(Denied(501491, "invalid_request", "Invalid size of Code_Challenge parameter."))
    return wrong


def _malformed(what: str) -> Denied:
    return Denied(9002313, "invalid_request", f"Invalid request. Request is malformed: {what}.")


def new_ticket(world: World, asked: Asked) -> str:
    """Keep a request until a page is answered, and return what its form names it by."""
    ticket = secrets.token_urlsafe(24)
    world.asked[ticket] = asked
    return ticket
