"""What was allowed: codes, consents, refresh tokens that rotate, and access tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from tests.fakes.common.clock import Clock
from tests.fakes.common.granting import CommonCode, CommonGrant, CommonGrants
from tests.fakes.common.people import Client
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.entra.refusals import Denied, coded
from tests.fakes.microsoft.entra.tenants import Tenant
from tests.fakes.microsoft.settings import Settings


@dataclass(slots=True, eq=False)
class Code(CommonCode[Account]):
    """An authorization code, with the claims that were asked for (JSON)."""

    claims: str
    is_redeemed: bool = False


class Grant(CommonGrant[Account]):
    """What one person allowed one program: the scopes of all resources."""


@dataclass(slots=True, eq=False)
class RefreshToken:
    """Good for ninety days from its issue; the next one doesn't end it."""

    text: str
    grant: Grant
    expires_at: datetime
    refusal: Denied | None = None
    """Why it is dead."""


@dataclass(slots=True, eq=False)
class AccessToken:
    """Good for one resource; without an account it is an app's own (`roles` instead of scopes)."""

    text: str
    client: Client
    account: Account | None
    tenant: Tenant
    resource: str
    scopes: frozenset[str]
    expires_at: datetime
    claims: str
    """The claims request it was asked for with, as JSON; '' when there was none."""


class Grants(CommonGrants[Account, Grant]):
    """Every code, consent and token."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        super().__init__(Grant)
        self._clock = clock
        self._settings = settings
        self._codes: dict[str, Code] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._access: dict[str, AccessToken] = {}

    def consented(self, client: Client, account: Account) -> frozenset[str]:
        """Return the scopes that a program has for a person, by the person or an administrator."""
        grant = self.find(client, account)
        own = frozenset(grant.scopes) if grant else frozenset()
        return own | account.tenant.allowed.get(client.client_id, frozenset())

    def add_code(self, code: Code) -> str:
        """Return the text of a new code."""
        text = f"1.A{secrets.token_urlsafe(500)}"
        self._codes[text] = code
        return text

    def redeem(self, text: str) -> Code:
        """Return a code and use it up.

        Raises:
            Denied: It is unknown, was redeemed, or is too old.
        """
        code = self._codes.get(text)
        if code is None:
            raise coded(70000)
        if code.is_redeemed:
            raise coded(54005)
        code.is_redeemed = True
        if code.expires_at <= self._clock.now():
            raise coded(70008)
        return code

    def new_refresh_token(self, grant: Grant) -> RefreshToken:
        """Return a new refresh token; the others stay as they are."""
        expires_at = self._clock.now() + self._settings.refresh_token_lasts
        token = RefreshToken(f"1.A{secrets.token_urlsafe(700)}", grant, expires_at)
        self._refresh[token.text] = token
        return token

    def use_refresh_token(self, text: str) -> RefreshToken:
        """Return a refresh token that lives.

        Raises:
            Denied: It is unknown, revoked or too old.
        """
        token = self._refresh.get(text)
        if token is None:
            raise coded(70000)
        if token.refusal is not None:
            raise token.refusal
        if token.expires_at <= self._clock.now():
            raise coded(700082)
        return token

    def grant_of(self, text: str) -> Grant | None:
        """Return the grant of a refresh token, dead or alive."""
        token = self._refresh.get(text)
        return token.grant if token else None

    def new_access_token(
        self,
        client: Client,
        account: Account | None,
        tenant: Tenant,
        resource: str,
        scopes: frozenset[str],
        claims: str = "",
    ) -> AccessToken:
        """Return a new access token; it lasts longer for who handles claims challenges."""
        settings = self._settings
        lasts = settings.capable_token_lasts if "cp1" in claims else settings.access_token_lasts
        token = AccessToken(
            f"eyJ0eXAiOiJKV1Qi.{secrets.token_urlsafe(1100)}.{secrets.token_urlsafe(256)}",
            *(client, account, tenant, resource, scopes, self._clock.now() + lasts, claims),
        )
        self._access[token.text] = token
        return token

    def access_token(self, text: str) -> AccessToken | None:
        """Return an access token that is known; look whether it has expired."""
        return self._access.get(text)

    def refuse_refresh(self, account: Account, refusal: Denied | None) -> None:
        """Let every refresh token of an account be refused, or none of them."""
        for token in self._refresh.values():
            if token.grant.account is account:
                token.refusal = refusal

    def expire_refresh_tokens(self, account: Account) -> None:
        """Let every refresh token of an account be too old."""
        for token in self._refresh.values():
            if token.grant.account is account:
                token.expires_at = self._clock.now()

    def expire_access_tokens(self, account: Account | None = None) -> None:
        """Let the access tokens of one account, or of all, be over."""
        for token in self._access.values():
            if account is None or token.account is account:
                token.expires_at = self._clock.now()

    def withdraw(self, account: Account) -> None:
        """Forget what a person allowed; the refresh tokens find no consent any more."""
        self._grants = [grant for grant in self._grants if grant.account is not account]
