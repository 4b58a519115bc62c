"""The token endpoint: codes, refresh tokens and signed assertions become access tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fakes.common.people import Client
from tests.fakes.common.proof import credentials, is_same, proves
from tests.fakes.common.wire import Answer, Call, json_answer
from tests.fakes.google import assertion, identity, scopes
from tests.fakes.google.accounts import Account
from tests.fakes.google.grants import TESTING_LASTS, AccessToken, Code, Grant
from tests.fakes.google.token_errors import Denied
from tests.fakes.google.world import World

_FORM = "application/x-www-form-urlencoded"


def answer(world: World, call: Call) -> Answer:
    """Answer `POST /token` (RFC 6749 3.2)."""
    try:
        if call.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise Denied("invalid_request", f"The body must be {_FORM}.")
        return json_answer(_Exchange(world, call).answer(), headers={"cache-control": "no-store"})
    except Denied as denied:
        return denied.answer()


@dataclass(frozen=True, slots=True)
class _Exchange:
    world: World
    call: Call

    def answer(self) -> dict[str, object]:
        form = self.call.form()
        kinds: Mapping[str, Callable[[dict[str, str]], dict[str, object]]] = {
            "authorization_code": self._from_code,
            "refresh_token": self._from_refresh_token,
            "urn:ietf:params:oauth:grant-type:jwt-bearer": self._from_assertion,
        }
        kind = form.get("grant_type", "")
        if not kind:
            raise Denied("invalid_request", "Missing required parameter: grant_type")
        if kind not in kinds:
            raise Denied("unsupported_grant_type", f"Invalid grant_type: {kind}")
        return kinds[kind](form)

    def _from_code(self, form: dict[str, str]) -> dict[str, object]:
        client = self._client(form)
        if not form.get("code"):
            raise Denied("invalid_request", "Missing required parameter: code")
        if not form.get("redirect_uri"):
            raise Denied("invalid_request", "Missing parameter: redirect_uri")
        code = self.world.grants.take_code(form["code"])
        if code is None or code.client is not client:
            raise Denied("invalid_grant", "Malformed auth code.")
        if code.redirect_uri != form["redirect_uri"]:
            raise Denied("redirect_uri_mismatch", "Bad Request")
        _verify(code, form.get("code_verifier"))
        grant = self.world.grants.find(client, code.account)
        if grant is None or code.account.is_disabled:
            raise Denied("invalid_grant", "Bad Request")
        access = self.world.grants.new_access_token(code.account, code.scopes, grant)
        given = self._given(access)
        if code.gives_refresh_token:
            refresh = self.world.grants.new_refresh_token(grant, code.scopes)
            given["refresh_token"] = refresh.text
            if self.world.settings.is_testing:
                given["refresh_token_expires_in"] = int(TESTING_LASTS.total_seconds())
        return given | self._id_token(client, code.account, access, code.nonce)

    def _from_refresh_token(self, form: dict[str, str]) -> dict[str, object]:
        client = self._client(form)
        if not form.get("refresh_token"):
            raise Denied("invalid_request", "Missing required parameter: refresh_token")
        token = self.world.grants.use_refresh_token(form["refresh_token"])
        if token is None:
            raise Denied("invalid_grant", "Token has been expired or revoked.")
        grant: Grant = token.grant
        if grant.client is not client:
            raise Denied("unauthorized_client", "Unauthorized", 401)
        if grant.account.is_disabled:
            raise Denied("invalid_grant", "Account has been deleted")
        self.world.counters.of(grant.account.address).refreshes += 1
        if token.error_subtype:
            described = f"reauth related error ({token.error_subtype})"
            raise Denied("invalid_grant", described, subtype=token.error_subtype)
        wanted = scopes.expanded(form["scope"]) if form.get("scope") else token.scopes
        if not wanted <= token.scopes:
            raise Denied("invalid_scope", "Some requested scopes were not granted.")
        access = self.world.grants.new_access_token(grant.account, wanted, grant)
        return self._given(access) | self._id_token(client, grant.account, access, None)

    def _from_assertion(self, form: dict[str, str]) -> dict[str, object]:
        if not form.get("assertion"):
            raise Denied("invalid_request", "Missing required parameter: assertion")
        access = assertion.exchange(self.world, form["assertion"])
        given = self._given(access)
        # A service account asked for its scopes itself.
        del given["scope"]
        return given

    def _given(self, access: AccessToken) -> dict[str, object]:
        return {
            "access_token": access.text,
            "expires_in": int(self.world.settings.access_token_lasts.total_seconds()),
            "scope": scopes.written(access.scopes),
            "token_type": "Bearer",
        }

    def _id_token(
        self, client: Client, account: Account, access: AccessToken, nonce: str | None
    ) -> dict[str, object]:
        if "openid" not in access.scopes:
            return {}
        return {"id_token": identity.id_token(self.world, client, account, access, nonce)}

    def _client(self, form: dict[str, str]) -> Client:
        try:
            client_id, secret = credentials(self.call, form)
        except ValueError:
            raise Denied("invalid_request", "Malformed Authorization header.") from None
        client = self.world.clients.get(client_id)
        if not client_id:
            raise Denied("invalid_request", "Could not determine client ID from request.")
        if client is None:
            raise Denied("invalid_client", "The OAuth client was not found.", 401)
        if not secret:
            raise Denied("invalid_request", "client_secret is missing.")
        if not is_same(client.secret, secret):
            raise Denied("invalid_client", "The provided client secret is invalid.", 401)
        return client


def _verify(code: Code, verifier: str | None) -> None:
    """Check the proof of who began (RFC 7636 4.6)."""
    if code.challenge is None:
        return
    if not verifier:
        raise Denied("invalid_grant", "Missing code verifier.")
    if not proves(verifier, code.challenge, code.method):
        raise Denied("invalid_grant", "Invalid code verifier.")
