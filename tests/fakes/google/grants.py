"""What people allowed: codes, grants with their refresh tokens, and access tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.common.clock import Clock
from tests.fakes.common.granting import CommonCode, CommonGrant, CommonGrants
from tests.fakes.google.accounts import Account
from tests.fakes.google.settings import Settings

MOST_REFRESH_TOKENS = 100
"""Per account and client; a new one kills the oldest."""
TESTING_LASTS = timedelta(days=7)


@dataclass(slots=True, eq=False)
class Code(CommonCode[Account]):
    """An authorization code, which gives a refresh token only to who asked for one."""

    gives_refresh_token: bool


@dataclass(slots=True, eq=False)
class RefreshToken:
    """A refresh token, with the reason of its refusal once it is dead."""

    text: str
    grant: Grant
    scopes: frozenset[str]
    issued_at: datetime
    used_at: datetime
    error_subtype: str = ""
    """As `invalid_rapt`: the administrator's session policy asks for a new sign-in."""


@dataclass(slots=True, eq=False)
class Grant(CommonGrant[Account]):
    """All that one person allowed one program, with the tokens for it."""

    refresh_tokens: list[RefreshToken] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class AccessToken:
    """An access token; its account is none when a service account acts for itself."""

    text: str
    account: Account | None
    scopes: frozenset[str]
    expires_at: datetime
    grant: Grant | None
    """None when a Workspace's administrator allowed it."""
    subject: str
    """The address it acts for."""


class Grants(CommonGrants[Account, Grant]):
    """Every code, grant and token."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        super().__init__(Grant)
        self._clock = clock
        self._settings = settings
        self._codes: dict[str, Code] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._access: dict[str, AccessToken] = {}

    def add_code(self, code: Code) -> str:
        """Return the text of a new code; it has a slash, as Google's have."""
        text = f"4/0A{secrets.token_urlsafe(40)}"
        self._codes[text] = code
        return text

    def take_code(self, text: str) -> Code | None:
        """Return a code and use it up; none when it is unknown, used or stale."""
        code = self._codes.pop(text, None)
        return code if code and code.expires_at > self._clock.now() else None

    def new_refresh_token(self, grant: Grant, scopes: frozenset[str]) -> RefreshToken:
        """Return a new refresh token; the oldest dies when there are too many."""
        now = self._clock.now()
        token = RefreshToken(f"1//0{secrets.token_urlsafe(48)}", grant, scopes, now, now)
        self._refresh[token.text] = token
        grant.refresh_tokens.append(token)
        if len(grant.refresh_tokens) > MOST_REFRESH_TOKENS:
            self._drop(grant.refresh_tokens.pop(0))
        return token

    def use_refresh_token(self, text: str) -> RefreshToken | None:
        """Return a refresh token that lives and note its use."""
        token = self._refresh.get(text)
        if token is None:
            return None
        now = self._clock.now()
        unused = now - token.used_at > self._settings.refresh_token_lasts_unused
        tested = self._settings.is_testing and now - token.issued_at > TESTING_LASTS
        if unused or tested:
            token.grant.refresh_tokens.remove(token)
            self._drop(token)
            return None
        token.used_at = now
        return token

    def new_access_token(
        self,
        account: Account | None,
        scopes: frozenset[str],
        grant: Grant | None,
        subject: str = "",
    ) -> AccessToken:
        """Return a new access token."""
        token = AccessToken(
            f"ya29.a0{secrets.token_urlsafe(80)}",
            account,
            scopes,
            self._clock.now() + self._settings.access_token_lasts,
            grant,
            account.address if account else subject,
        )
        self._access[token.text] = token
        return token

    def access_token(self, text: str) -> AccessToken | None:
        """Return an access token that lives."""
        token = self._access.get(text)
        return token if token and token.expires_at > self._clock.now() else None

    def grant_of(self, text: str) -> Grant | None:
        """Return the grant of a refresh token or of a living access token."""
        if refresh := self._refresh.get(text):
            return refresh.grant
        access = self.access_token(text)
        return access.grant if access else None

    def revoke(self, grant: Grant) -> None:
        """End a grant and all its tokens."""
        for token in grant.refresh_tokens:
            self._drop(token)
        grant.refresh_tokens.clear()
        self._access = {
            text: token for text, token in self._access.items() if token.grant is not grant
        }
        self._grants.remove(grant)

    def end_refresh_tokens(self, account: Account, only_with: str = "") -> None:
        """End the refresh tokens of an account that have a scope of this name in them."""
        for grant in self.of(account):
            for token in list(grant.refresh_tokens):
                if any(only_with in scope for scope in token.scopes):
                    grant.refresh_tokens.remove(token)
                    self._drop(token)

    def expire_access_tokens(self, account: Account | None = None) -> None:
        """Let the access tokens of one account, or of all, be over."""
        self._access = {
            text: token
            for text, token in self._access.items()
            if account is not None and token.account is not account
        }

    def refresh_tokens(self, account: Account) -> list[RefreshToken]:
        """Return the living refresh tokens of an account, oldest first."""
        return [token for grant in self.of(account) for token in grant.refresh_tokens]

    def _drop(self, token: RefreshToken) -> None:
        self._refresh.pop(token.text, None)
