"""The token endpoint: codes, refresh tokens and an app's own credentials become access tokens."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fakes.common.people import Client
from tests.fakes.common.proof import credentials, is_same, proves
from tests.fakes.common.wire import Answer, Call, json_answer
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.entra import assertion, identity, scopes
from tests.fakes.microsoft.entra.grants import AccessToken, Code, Grant
from tests.fakes.microsoft.entra.refusals import (
    Denied,
    coded,
    missing,
    multi_factor,
    unconsented,
    unknown_client,
    unknown_tenant,
)
from tests.fakes.microsoft.world import World

_FORM = "application/x-www-form-urlencoded"


def answer(world: World, call: Call, tenant: str) -> Answer:
    """Answer `POST /{tenant}/oauth2/v2.0/token`."""
    try:
        if call.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise missing("grant_type")
        told = _Exchange(world, call, tenant, call.form()).answer()
    except Denied as denied:
        return denied.answer(world.clock.now())
    return json_answer(told, headers={"cache-control": "no-store, no-cache"}, pretty=False)


@dataclass(frozen=True, slots=True)
class _Exchange:
    world: World
    call: Call
    tenant: str
    form: Mapping[str, str]

    def answer(self) -> dict[str, object]:
        kinds: Mapping[str, Callable[[], dict[str, object]]] = {
            "authorization_code": self._from_code,
            "refresh_token": self._from_refresh_token,
            "client_credentials": self._for_itself,
        }
        if not self.world.tenants.is_served(self.tenant):
            raise unknown_tenant(self.tenant)
        kind = self._needed("grant_type")
        if kind not in kinds:
            says = f"The app requested an unsupported grant type '{kind}'."
            raise Denied(70003, "unsupported_grant_type", says)
        return kinds[kind]()

    def _from_code(self) -> dict[str, object]:
        client = self._client()
        text = self._needed("code")
        redirect_uri = self._needed("redirect_uri")
        code = self.world.grants.redeem(text)
        if code.client is not client:
            raise coded(70000)
        if code.redirect_uri != redirect_uri:
            says = "The reply address does not match the one provided when requesting the code."
            raise Denied(500112, "invalid_client", says)
        _verify(code, self.form.get("code_verifier"))
        self._admit(code.account)
        asked = self._asked() or code.scopes
        grant = self.world.grants.find(client, code.account)
        if grant is None:
            raise unconsented(client.name)
        return self._tokens(grant, asked, code.scopes, code.claims, code.nonce)

    def _from_refresh_token(self) -> dict[str, object]:
        client = self._client()
        token = self.world.grants.use_refresh_token(self._needed("refresh_token"))
        grant = token.grant
        if grant.client is not client:
            raise coded(70000)
        self.world.counters.of(grant.account.address).refreshes += 1
        self._admit(grant.account)
        if grant.account.demand is not None:
            raise grant.account.demand
        self._challenge(grant.account)
        consented = self.world.grants.consented(client, grant.account)
        asked = self._asked() or frozenset(grant.scopes)
        if not consented or not asked - scopes.SIGN_IN <= consented | _defaults(consented):
            raise unconsented(client.name)
        return self._tokens(grant, asked, consented | scopes.SIGN_IN, "", None)

    def _for_itself(self) -> dict[str, object]:
        client = self._client()
        scope = self._needed("scope")
        tenant = self.world.tenants.find(self.tenant)
        if tenant is None:
            says = "No tenant-identifying information found in the request."
            raise Denied(900023, "invalid_request", says)
        resource, _, name = next(iter(scopes.expanded(scope, self.world.url))).rpartition("/")
        if len(scope.split()) != 1 or name != scopes.DEFAULT:
            says = f"The provided value for scope {scope} is not valid. It must be /.default."
            raise Denied(1002012, "invalid_scope", says)
        if client.client_id not in tenant.roles:
            raise unknown_client(client.client_id, tenant.domain)
        roles = tenant.roles[client.client_id]
        access = self.world.grants.new_access_token(
            client, None, tenant, resource, roles, self.form.get("claims", "")
        )
        return self._given(access)

    def _tokens(
        self,
        grant: Grant,
        asked: frozenset[str],
        allowed: frozenset[str],
        claims: str,
        nonce: str | None,
    ) -> dict[str, object]:
        account = grant.account
        claims = self.form.get("claims") or claims
        resource = _one_resource(asked)
        consented = self.world.grants.consented(grant.client, account) | allowed
        # The token has all that was consented to for its resource, not only what was asked.
        held = frozenset(each for each in consented if scopes.resource_of(each) == resource)
        access = self.world.grants.new_access_token(
            grant.client,
            account,
            account.tenant,
            resource,
            scopes.of_resource(held, resource),
            claims,
        )
        given = self._given(access)
        given["scope"] = scopes.written(
            held | (asked & scopes.SIGN_IN & allowed),
            self.form.get("scope", "").split(),
            is_long=self.world.settings.gives_long_scopes,
        )
        if "offline_access" in asked & allowed:
            given["refresh_token"] = self.world.grants.new_refresh_token(grant).text
        if "openid" in asked & allowed:
            given["id_token"] = identity.id_token(
                self.world, grant.client, account, asked & allowed, nonce
            )
        if self.form.get("client_info") == "1":
            given["client_info"] = identity.client_info(account)
        return given

    def _given(self, access: AccessToken) -> dict[str, object]:
        seconds = int((access.expires_at - self.world.clock.now()).total_seconds() + 0.5)
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": access.text,
        }

    def _asked(self) -> frozenset[str]:
        asked = scopes.expanded(self.form.get("scope", ""), self.world.url)
        if unknown := scopes.unknown(asked):
            says = f"The provided value for the input parameter 'scope' is not valid: {unknown[0]}."
            raise Denied(70011, "invalid_scope", says)
        return asked

    def _admit(self, account: Account) -> None:
        if account.is_disabled:
            raise coded(50057)
        if not self.world.tenants.admits(self.tenant, account.tid):
            says = "Provided grant is for another tenant than the one in the request."
            raise Denied(700005, "invalid_grant", says)

    def _challenge(self, account: Account) -> None:
        """Refuse the claims that only the person can bring."""
        for demanded, needs_person in account.challenges.items():
            if needs_person and contains(self.form.get("claims", ""), demanded):
                raise multi_factor(demanded)

    def _client(self) -> Client:
        try:
            client_id, secret = credentials(self.call, dict(self.form))
        except ValueError:
            raise missing("client_id") from None
        client_id = client_id or self.form.get("client_id", "")
        if not client_id:
            raise missing("client_id")
        client = self.world.clients.get(client_id)
        if client is None:
            raise unknown_client(client_id, self.tenant)
        if self.form.get("client_assertion_type") == assertion.TYPE:
            assertion.prove(self.world, client, self.form.get("client_assertion", ""), self.tenant)
            return client
        if not secret:
            raise coded(7000218)
        if not is_same(client.secret, secret):
            raise coded(7000215)
        return client

    def _needed(self, name: str) -> str:
        value = self.form.get(name)
        if not value:
            raise missing(name)
        return value


def contains(claims: str, demanded: str) -> bool:
    """Say whether a claims request (JSON) has everything that is demanded."""
    with contextlib.suppress(ValueError):
        return _within(json.loads(claims or "{}"), json.loads(demanded))
    return False


def _within(given: object, demanded: object) -> bool:
    if isinstance(demanded, dict):
        return isinstance(given, dict) and all(
            name in given and _within(given[name], value) for name, value in demanded.items()
        )
    return given == demanded


def _one_resource(asked: frozenset[str]) -> str:
    resources = {scopes.resource_of(each) for each in asked} - {""}
    if len(resources) > 1:
        says = "The provided value for the input parameter 'scope' has more than one resource."
        raise Denied(28000, "invalid_request", says)
    return next(iter(resources), scopes.GRAPH)


def _defaults(consented: frozenset[str]) -> frozenset[str]:
    return frozenset(f"{scopes.resource_of(each)}/{scopes.DEFAULT}" for each in consented)


def _verify(code: Code, verifier: str | None) -> None:
    """Check the proof of who began (RFC 7636 4.6)."""
    if code.challenge is None:
        return
    if not verifier:
        raise missing("code_verifier")
    if not proves(verifier, code.challenge, code.method):
        raise coded(501481)
