"""The authorization endpoint: checks what a program asks for and sends the browser back."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass

from tests.fakes.common.people import Client
from tests.fakes.common.proof import is_challenge
from tests.fakes.common.wire import Answer, Call, redirect
from tests.fakes.google import scopes
from tests.fakes.google.accounts import Account
from tests.fakes.google.consent_page import error_page
from tests.fakes.google.grants import Code
from tests.fakes.google.world import World

_KNOWN = frozenset(
    "client_id redirect_uri response_type scope state nonce access_type prompt login_hint hd "
    "include_granted_scopes code_challenge code_challenge_method display hl authuser "
    "enable_granular_consent response_mode".split()
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request that is as it should be."""

    client: Client
    redirect_uri: str
    scopes: frozenset[str]
    state: str | None
    nonce: str | None
    prompt: frozenset[str]
    login_hint: str
    is_offline: bool
    includes_granted: bool
    challenge: str | None
    method: str

    def back(self, world: World, **answer: str) -> Answer:
        """Send the browser back to the program."""
        if self.state is not None:
            answer = {"state": self.state, **answer}
        if world.settings.sends_iss:
            answer["iss"] = world.settings.issuer
        joint = "&" if "?" in self.redirect_uri else "?"
        return redirect(self.redirect_uri + joint + urllib.parse.urlencode(answer))


class Wrong(Exception):
    """A request that is shown to the person and never sent back to the program."""

    def __init__(self, status: int, error: str, says: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.says = says

    def page(self) -> Answer:
        """Return what the person sees."""
        return error_page(self.status, self.error, self.says)


def read(world: World, call: Call) -> Asked:
    """Return what is asked for.

    Raises:
        Wrong: Something is missing, unknown or not registered.
    """
    given: dict[str, str] = {}
    for name, value in call.query:
        if name in given:
            raise Wrong(
                400, "invalid_request", f"OAuth 2 parameters can only have one value: {name}"
            )
        given[name] = value
    client = _client(world, given)
    if strange := sorted(set(given) - _KNOWN):
        raise Wrong(400, "invalid_request", f"The stand-in does not know: {strange[0]}")
    if given.get("response_type") != "code":
        raise Wrong(400, "unsupported_response_type", "The stand-in serves response_type=code.")
    if given.get("response_mode", "query") != "query":
        raise Wrong(400, "invalid_request", "The stand-in serves response_mode=query.")
    asked = scopes.expanded(given.get("scope", ""))
    if not asked:
        raise Wrong(400, "invalid_request", "Missing required parameter: scope")
    if unknown := scopes.unknown(asked):
        raise Wrong(400, "invalid_scope", f"Some requested scopes were invalid: {unknown}")
    challenge, method = _challenge(world, given)
    return Asked(
        client,
        given["redirect_uri"],
        asked,
        given.get("state"),
        given.get("nonce"),
        _prompt(given),
        given.get("login_hint", ""),
        _one_of(given, "access_type", ("online", "offline")) == "offline",
        _one_of(given, "include_granted_scopes", ("false", "true")) == "true",
        challenge,
        method,
    )


def granted(world: World, asked: Asked, account: Account, chosen: frozenset[str]) -> Answer:
    """Note what a person allows and send the browser back with a code."""
    already = world.grants.find(asked.client, account)
    held = frozenset(already.scopes) if already else frozenset()
    was_shown = "consent" in asked.prompt or not chosen <= held
    world.grants.allow(asked.client, account, chosen)
    given = chosen | held if asked.includes_granted else chosen
    code = Code(
        asked.client,
        asked.redirect_uri,
        account,
        given,
        asked.nonce,
        asked.challenge,
        asked.method,
        # Only when the person is asked anew, and only for who wants to act without the person.
        gives_refresh_token=asked.is_offline and was_shown,
        expires_at=world.clock.now() + world.settings.code_lasts,
    )
    extra = {"hd": account.hosted_domain} if account.hosted_domain else {}
    return asked.back(
        world,
        code=world.grants.add_code(code),
        scope=scopes.written_short(given),
        authuser="0",
        **extra,
        prompt="consent" if was_shown else "none",
    )


def _client(world: World, given: dict[str, str]) -> Client:
    if not given.get("client_id"):
        raise Wrong(400, "invalid_request", "Missing required parameter: client_id")
    client = world.clients.get(given["client_id"])
    if client is None:
        raise Wrong(401, "invalid_client", "The OAuth client was not found.")
    if not given.get("redirect_uri"):
        raise Wrong(400, "invalid_request", "Missing required parameter: redirect_uri")
    if given["redirect_uri"] not in client.redirect_uris:
        raise Wrong(400, "redirect_uri_mismatch", f"redirect_uri: {given['redirect_uri']}")
    return client


def _challenge(world: World, given: dict[str, str]) -> tuple[str | None, str]:
    challenge = given.get("code_challenge")
    method = given.get("code_challenge_method", "plain")
    if challenge is None:
        if "code_challenge_method" in given:
            raise Wrong(400, "invalid_request", "Missing required parameter: code_challenge")
        return None, method
    allowed = {"S256", "plain"} if world.settings.allows_plain_pkce else {"S256"}
    if method not in allowed:
        raise Wrong(400, "invalid_request", f"Unsupported code_challenge_method: {method}")
    if not is_challenge(challenge):
        raise Wrong(400, "invalid_request", "Invalid parameter value for code_challenge")
    return challenge, method


def _prompt(given: dict[str, str]) -> frozenset[str]:
    prompt = frozenset(given.get("prompt", "").split())
    is_alone = len(prompt) == 1 or "none" not in prompt
    if not (is_alone and prompt <= {"none", "consent", "select_account"}):
        raise Wrong(
            400, "invalid_request", f"Invalid parameter value for prompt: {given['prompt']}"
        )
    return prompt


def _one_of(given: dict[str, str], name: str, values: tuple[str, str]) -> str:
    """Return a parameter that has two values; the first is its default."""
    value = given.get(name, values[0])
    if value not in values:
        raise Wrong(400, "invalid_request", f"Invalid parameter value for {name}: {value}")
    return value
