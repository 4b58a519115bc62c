"""Google as a provider: OpenID Connect by the code flow, its tokens by google-auth."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

from google.auth.exceptions import GoogleAuthError
from google.oauth2.credentials import Credentials
from google.oauth2.service_account import Credentials as ServiceAccount

from connectors.base import Revocation
from connectors.errors import ConnectorError, Misbehaved
from connectors.oauth.answers import browser_refusal, error_of, refusal, text, tokens_of
from connectors.oauth.base import Answer, Ask, Begun, Granted, Identity, Tokens
from connectors.oauth.errors import ClientRefused, CodeRefused, GrantEnded, Narrowed, Unproven
from connectors.oauth.jwt import Keys, check_audience, verify
from connectors.oauth.transport import Transport
from connectors.oauth.wire import Wire, origin_of
from mail.address import Address, canonical

# It writes requests and answers, tokens included, to its log at DEBUG.
logging.getLogger("google").setLevel(logging.WARNING)

READ = "https://www.googleapis.com/auth/gmail.readonly"
SCOPES = ("openid", "email", READ)
SPELLINGS = {"https://www.googleapis.com/auth/userinfo.email": "email"}
"""Google names `email` otherwise in its answers."""
VERIFIER_BYTES = 64


@dataclass(frozen=True, slots=True)
class GoogleUrls:
    """Where Google's servers are; `issuers` is how its tokens and answers may name it."""

    auth: str
    token: str
    revoke: str
    keys: str
    issuers: tuple[str, ...]

    @property
    def asked(self) -> tuple[str, ...]:
        """Those that this service asks itself; the browser goes to the other."""
        return (self.token, self.revoke, self.keys)


@dataclass(frozen=True, slots=True)
class Google:
    """Google's side of a grant that reads mail. `sends_iss`: answers name their issuer."""

    client_id: str
    client_secret: str = field(repr=False)
    urls: GoogleUrls
    wire: Wire
    keys: Keys
    sends_iss: bool = True
    name: str = "gmail"
    revokes_account: bool = True

    @property
    def origins(self) -> tuple[str, ...]:
        """Where people consent."""
        return (origin_of(self.urls.auth),)

    @property
    def spelled(self) -> tuple[str, ...]:
        """How ID tokens may name Google: with or without the scheme."""
        return (*self.urls.issuers, *(one.removeprefix("https://") for one in self.urls.issuers))

    def accepts_issuer(self, issuer: str | None) -> bool:
        """Tell whether an answer with this `iss` may come from Google (RFC 9207 2.4)."""
        if issuer is None:
            return not self.sends_iss
        return issuer in self.urls.issuers

    def begin(self, ask: Ask) -> Begun:
        """Return where to send the browser, with S256 PKCE (RFC 7636), state and nonce."""
        verifier = token_urlsafe(VERIFIER_BYTES)
        nonce = token_urlsafe(32)
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": ask.redirect_uri,
            "scope": " ".join(SCOPES),
            "state": ask.state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
            # A refresh token comes only with offline, and again only with consent.
            "access_type": "offline",
            "prompt": "consent" if ask.address else "select_account consent",
            # What the person granted elsewhere isn't asked for.
            "include_granted_scopes": "false",
        }
        if ask.address:
            parameters["login_hint"] = ask.address
        joint = "&" if "?" in self.urls.auth else "?"
        url = f"{self.urls.auth}{joint}{urlencode(parameters)}"
        return Begun(url, {"verifier": verifier, "nonce": nonce})

    def refused(self, error: str, description: str) -> ConnectorError:
        """Return what an error means that a browser brought back."""
        del description
        return browser_refusal(error)

    def consent_url(self, redirect_uri: str) -> str:
        """Return none: an administrator of Google's allows an app in the console."""
        del redirect_uri
        return ""

    def finish(self, secrets: Mapping[str, str], answer: Answer) -> Granted:
        """Redeem the code and verify who consented to what.

        Raises:
            CodeRefused: The code isn't good, or not for these secrets.
            Unproven: The ID token doesn't hold.
            Narrowed: Less was granted than is needed.
        """
        said = self._redeem(secrets["verifier"], answer)
        identity = self.identify(text(said, "id_token"), secrets["nonce"])
        tokens = tokens_of(said, spelled=spelled)
        missing = [scope for scope in SCOPES if scope not in tokens.scopes]
        if missing:
            raise Narrowed(missing)
        if not tokens.refresh_token:
            raise Misbehaved("no refresh token, although consent was asked for")
        return Granted(identity, tokens)

    def _redeem(self, verifier: str, answer: Answer) -> dict[str, Any]:
        reply = self.wire.post(
            self.urls.token,
            {
                "grant_type": "authorization_code",
                "code": answer.code,
                "redirect_uri": answer.redirect_uri,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "code_verifier": verifier,
            },
        )
        if reply.status == 200:
            return reply.json()
        if error_of(reply) in ("invalid_grant", "invalid_request"):
            raise CodeRefused("the code is refused")
        raise refusal(error_of(reply), reply.status)

    def identify(self, id_token: str, nonce: str) -> Identity:
        """Return who an ID token proves (OpenID Connect Core 3.1.3.7).

        Raises:
            Unproven: Its signature, issuer, audience, times or nonce don't hold, or the address
                isn't verified.
        """
        told = verify(id_token, self.keys, self.spelled, self.client_id, ("exp", "sub", "nonce"))
        check_audience(told.claims, self.client_id)
        if not hmac.compare_digest(told.text("nonce").encode(), nonce.encode()):
            raise Unproven("another nonce")
        if told.claims.get("email_verified") not in (True, "true"):
            raise Unproven("the address isn't verified")
        address = canonical(told.text("email"))
        subject = told.text("sub")
        if address is None or not 0 < len(subject) <= 255 or not subject.isascii():
            raise Unproven("no subject or no address")
        # Whoever it is called by, it is one provider: its accounts have one name here.
        return Identity(self.urls.issuers[0], subject, address)

    def refresh(self, refresh_token: str, claims: str = "") -> Tokens:
        """Return a new access token; with the refresh token that is good from now on.

        Raises:
            GrantEnded: Google says `invalid_grant`.
        """
        del claims  # It never asks for any.
        held = Credentials(  # type: ignore[no-untyped-call]  # google-auth
            token=None,
            refresh_token=refresh_token,
            token_uri=self.urls.token,
            client_id=self.client_id,
            client_secret=self.client_secret,
        )
        transport = Transport(self.wire)
        perform(held, transport)
        return tokens_of(transport.last.json(), refresh_token, spelled)

    def impersonate(self, key: str, address: Address) -> Tokens:
        """Return an access token for a user of an organisation that delegated it (RFC 7523).

        The key's own `token_uri` is not believed: whoever made the file would choose where
        this service sends requests.

        Raises:
            GrantEnded: The delegation doesn't cover the user, or not any more.
            ClientRefused: The key isn't one.
        """
        try:
            info = {**json.loads(key), "token_uri": self.urls.token}
            held = ServiceAccount.from_service_account_info(  # type: ignore[no-untyped-call]
                info, scopes=[READ], subject=address
            )
        except (ValueError, TypeError, KeyError, GoogleAuthError):
            raise ClientRefused("not a service account's key") from None
        transport = Transport(self.wire)
        perform(held, transport)
        return tokens_of(transport.last.json(), spelled=spelled)

    def revoke(self, token: str, issuer: str) -> Revocation:
        """End a grant by one of its tokens; all of this client's tokens of the user go with it.

        A token that Google doesn't know (400) is one of a grant that has ended already.
        """
        del issuer
        try:
            reply = self.wire.post(self.urls.revoke, {"token": token})
        except ConnectorError as error:
            return Revocation(failed=(f"grant ({error.code})",))
        if reply.status == 200:
            return Revocation(ended=("grant",))
        if error_of(reply) in ("invalid_token", "invalid_grant"):
            return Revocation(ended=("grant, which had ended before",))
        return Revocation(failed=(f"grant (status {reply.status})",))

    def check(self) -> None:
        """Ask for the keys that ID tokens are verified by."""
        self.keys.load()

    def close(self) -> None:
        """Let go of connections; never raises."""
        self.wire.close()


def spelled(scope: str) -> str:
    """Return a scope as it is asked for."""
    return SPELLINGS.get(scope, scope)


def challenge(verifier: str) -> str:
    """Return a verifier's S256 challenge (RFC 7636 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def perform(held: Credentials | ServiceAccount, transport: Transport) -> None:
    """Let google-auth fetch a token; the answer stays in the transport.

    Raises:
        GrantEnded: `invalid_grant`, which alone ends a grant.
        ClientRefused, Misbehaved, Unreachable: Anything else.
    """
    try:
        held.refresh(transport)  # type: ignore[no-untyped-call]  # google-auth
    except (GoogleAuthError, ValueError, KeyError, TypeError):
        # Their text repeats the answer: what it means is read from the answer itself.
        error = error_of(transport.last)
        if error == "invalid_grant":
            raise GrantEnded(error) from None
        raise refusal(error, transport.last.status) from None
