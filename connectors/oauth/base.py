"""What every provider of OAuth can do, and the values that cross it.

A flow's secrets (PKCE verifier, nonce) are made by the provider's own library and kept by the
caller between the two halves, so that a library which makes them itself fits in as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connectors.base import Revocation
from connectors.errors import ConnectorError
from mail.address import Address

CONSENT_STATE = "admin-consent"
"""The state that an administrator comes back with, who agreed for all and began nothing here."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person is sent to the provider with; `address` is whom we expect, if anybody.

    `claims` is a claims challenge that the provider put to an earlier token, if any.
    """

    state: str = field(repr=False)
    redirect_uri: str
    address: Address | None = None
    claims: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and what to keep secret until the answer."""

    url: str = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The provider's good answer: a code for the tokens, and where it was to be sent."""

    code: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who consented, from the verified ID token: the subject never changes, the address may."""

    issuer: str
    subject: str = field(repr=False)
    address: Address = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a grant consists of; an empty `refresh_token` means that none was given."""

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Granted:
    """Who granted, and what."""

    identity: Identity
    tokens: Tokens


class Provider(Protocol):
    """A provider that people grant access at. Safe to use from many threads.

    Every method that asks it may raise Unreachable, Throttled, ClientRefused and Misbehaved.
    """

    @property
    def name(self) -> str:
        """What its mailboxes' `provider` is."""
        ...

    @property
    def origins(self) -> tuple[str, ...]:
        """Scheme and host of the pages where people consent."""
        ...

    @property
    def revokes_account(self) -> bool:
        """Whether revoking a grant ends all that its account granted to this installation."""
        ...

    def accepts_issuer(self, issuer: str | None) -> bool:
        """Tell whether an answer with this `iss` may come from this provider (RFC 9207 2.4)."""
        ...

    def begin(self, ask: Ask) -> Begun:
        """Return where to send the browser."""
        ...

    def refused(self, error: str, description: str) -> ConnectorError:
        """Return what an error means that a browser brought back (RFC 6749 4.1.2.1)."""
        ...

    def consent_url(self, redirect_uri: str) -> str:
        """Return where an administrator agrees for all; empty where there is no such page."""
        ...

    def finish(self, secrets: Mapping[str, str], answer: Answer) -> Granted:
        """Redeem the code and verify who consented to what.

        Raises:
            CodeRefused: The code isn't good, or not for these secrets.
            Unproven: The ID token doesn't hold.
            Narrowed: Less was granted than is needed.
            AdminWanted: Only an administrator may agree.
            NoMailbox: The account has none.
        """
        ...

    def refresh(self, refresh_token: str, claims: str = "") -> Tokens:
        """Return a new access token; with the refresh token that is good from now on.

        Raises:
            GrantEnded: The provider says `invalid_grant`, or that the person is needed.
        """
        ...

    def impersonate(self, key: str, address: Address) -> Tokens:
        """Return an access token for a user whose organisation delegated it, by its key.

        Raises:
            GrantEnded: The delegation doesn't cover the user, or not any more.
        """
        ...

    def revoke(self, token: str, issuer: str) -> Revocation:
        """End a grant by one of its tokens; whatever goes wrong stands in the answer.

        `issuer` is the identity's: what is left to the person may depend on it.
        """
        ...

    def check(self) -> None:
        """Ask for what is needed to verify who consents."""
        ...

    def close(self) -> None:
        """Let go of connections; never raises."""
        ...
