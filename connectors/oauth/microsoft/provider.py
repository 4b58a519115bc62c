"""Microsoft as a provider: OpenID Connect by the code flow, and applications by their own key."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msal import ConfidentialClientApplication

from connectors.base import Revocation
from connectors.errors import ConnectorError, Misbehaved
from connectors.oauth.answers import text, tokens_of
from connectors.oauth.base import Answer, Ask, Begun, Granted, Identity, Tokens
from connectors.oauth.errors import ClientRefused, CodeRefused, GrantEnded, Narrowed, Unproven
from connectors.oauth.jwt import GUID, TENANT, Keys, Verified, check_audience, verify
from connectors.oauth.microsoft.account import Directory
from connectors.oauth.microsoft.application import application_of
from connectors.oauth.microsoft.entra import ANY_TENANT, CAPABILITIES, Client, Entra
from connectors.oauth.microsoft.refusals import by_browser, by_token, claims_in, lacking
from connectors.oauth.microsoft.ways import GRAPH, Way
from connectors.oauth.wire import Reply, Wire, origin_of
from mail.address import Address, canonical

CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal accounts (ID token claims reference, `tid`)."""
PUBLIC_CLOUD = "https://login.microsoftonline.com"
PERSONAL_SIGN_IN = "https://login.live.com"
"""Where the public cloud sends the browsers of personal accounts on to."""
WITHDRAW = "Remove the app at https://myapps.microsoft.com (or let an administrator do it)."
WITHDRAW_PERSONAL = "Remove the app at https://account.live.com/consent/Manage."
SIGN_IN = ("openid", "profile", "offline_access")
"""What msal asks for beside our own scopes; `oid` needs `profile`."""


@dataclass(frozen=True, slots=True)
class Microsoft:
    """Microsoft's side of a grant that reads mail."""

    client: Client
    entra: Entra
    wire: Wire
    keys: Keys
    directory: Directory
    way: Way = field(default=GRAPH)
    revokes_account: bool = False

    @property
    def name(self) -> str:
        """What its grants' `provider` is."""
        return self.way.name

    @property
    def origins(self) -> tuple[str, ...]:
        """Where people consent."""
        own = self.entra.origin
        return (own, PERSONAL_SIGN_IN) if own == PUBLIC_CLOUD else (own,)

    @property
    def asked(self) -> list[str]:
        """The scopes with their resource: a national cloud's Graph has a name of its own."""
        graph = origin_of(self.directory.url)
        return [one if "/" in one else f"{graph}/{one}" for one in self.way.scopes]

    def accepts_issuer(self, issuer: str | None) -> bool:
        """Tell whether an answer with this `iss` may come from Entra (RFC 9207 2.4).

        Entra sends none, unless its metadata says so; one that is sent has to be its own.
        """
        told = self.entra.configuration()
        if issuer is None:
            return told.get("authorization_response_iss_parameter_supported") is not True
        pattern = re.escape(str(told.get("issuer", ""))).replace(re.escape(TENANT), GUID.pattern)
        return re.fullmatch(pattern, issuer) is not None

    def begin(self, ask: Ask) -> Begun:
        """Return where to send the browser, with S256 PKCE (RFC 7636), state and nonce."""
        flow: dict[str, Any] = {}

        def initiate(application: ConfidentialClientApplication) -> None:
            flow.update(
                application.initiate_auth_code_flow(
                    self.asked,
                    redirect_uri=ask.redirect_uri,
                    state=ask.state,
                    # Never `consent`: whom an administrator has spared it could not pass.
                    prompt=None if ask.address else "select_account",
                    login_hint=ask.address,
                    claims_challenge=claims_in(ask.claims) or None,
                    response_mode="query",
                )
            )

        self.entra.ask(self.client, initiate)
        if not flow:
            raise Misbehaved("the authority can't be used")
        return Begun(flow["auth_uri"], {"flow": json.dumps(flow)})

    def refused(self, error: str, description: str) -> ConnectorError:
        """Return what an error means that a browser brought back."""
        return by_browser(error, description)

    def consent_url(self, redirect_uri: str) -> str:
        """Return where an administrator agrees for an organisation (v2.0/adminconsent)."""
        tenant = self.entra.tenant
        tenant = "organizations" if tenant in ANY_TENANT else tenant
        scopes = " ".join([*self.asked, *SIGN_IN])
        return self.entra.consent_url(self.client, tenant, scopes, redirect_uri)

    def finish(self, secrets: Mapping[str, str], answer: Answer) -> Granted:
        """Redeem the code and verify who consented to what.

        Raises:
            CodeRefused: The code isn't good, or not for these secrets.
            Unproven: The ID token doesn't hold, or no address is proven.
            Narrowed: Less was granted than is needed.
            AdminWanted: Only an administrator may agree.
            NoMailbox: The account has none.
        """
        flow = json.loads(secrets["flow"])
        nonce = hashlib.sha256(flow["nonce"].encode()).hexdigest()
        brought = {"state": flow["state"], "code": answer.code}
        reply = self.entra.ask(
            self.client, lambda one: one.acquire_token_by_auth_code_flow(flow, brought)
        )
        if reply.status == 0:
            raise CodeRefused("nothing that could be redeemed")
        if reply.status != 200:
            raise by_token(reply, code=True)
        said = reply.json()
        told = self.verified(text(said, "id_token"), nonce)
        tokens = self.tokens(reply)
        missing = lacking(tokens.scopes, self.way.scopes)
        if missing:
            raise Narrowed(missing)
        if not tokens.refresh_token:
            raise Narrowed(["offline_access"])
        return Granted(self.identify(told, tokens.access_token), tokens)

    def verified(self, id_token: str, nonce: str) -> Verified:
        """Return what an ID token claims (OpenID Connect Core 3.1.3.7).

        Raises:
            Unproven: Its signature, issuer, tenant, audience, times or nonce don't hold.
        """
        issuer = str(self.entra.configuration().get("issuer", ""))
        needed = ("exp", "sub", "nonce", "tid", "oid")
        told = verify(id_token, self.keys, [issuer], self.client.id, needed)
        check_audience(told.claims, self.client.id)
        if not hmac.compare_digest(told.text("nonce").encode(), nonce.encode()):
            raise Unproven("another nonce")
        if not told.text("sub"):
            raise Unproven("no subject")
        # One tenant's issuer names it: a token that says another is of neither.
        if f"/{told.text('tid')}/" not in told.text("iss"):
            raise Unproven("of another tenant than its issuer")
        if self.entra.tenant == "organizations" and told.text("tid") == CONSUMERS:
            raise Unproven("a personal account")
        return told

    def identify(self, told: Verified, access_token: str) -> Identity:
        """Return who it is: `oid` and `tid`, which stay when the registration is made anew.

        `sub` is another for each registration; names and addresses may pass to others.

        Raises:
            Unproven: The ID token names nobody, or another than the access token.
            NoMailbox: The account has none.
        """
        object_id, tenant = told.text("oid"), told.text("tid")
        if not GUID.fullmatch(object_id) or not GUID.fullmatch(tenant):
            raise Unproven("no account")
        if self.way.has_graph:
            address: Address | None = self.directory.address_of(
                access_token, object_id, is_personal=tenant == CONSUMERS
            )
        else:
            # Only a claim yet: whether it is so, the login shows (worker.joining).
            address = canonical(told.text("preferred_username"))
        if address is None:
            raise Unproven("no address")
        return Identity(told.text("iss"), f"{object_id}.{tenant}", address)

    def refresh(self, refresh_token: str, claims: str = "") -> Tokens:
        """Return a new access token; with the refresh token that is good from now on.

        Raises:
            GrantEnded: Entra says `invalid_grant`, or that the person is needed.
        """
        data = {"claims": capable(claims)}
        reply = self.entra.ask(
            self.client,
            lambda one: one.acquire_token_by_refresh_token(refresh_token, self.asked, data=data),
        )
        if reply.status != 200:
            raise by_token(reply)
        return self.tokens(reply, refresh_token)

    def impersonate(self, key: str, address: Address) -> Tokens:
        """Return an access token of an organisation's own application, which opens a mailbox.

        The key names the tenant and the application, and proves by its secret or certificate that
        it is theirs: a registration that many organisations use would prove nothing of who asks.

        Raises:
            GrantEnded: The application doesn't reach the mailbox, or not any more.
            ClientRefused: The key isn't one, or is refused.
        """
        tenant, client = application_of(key)
        scope = f"{origin_of(self.directory.url)}/.default"
        reply = self.entra.ask(client, lambda one: one.acquire_token_for_client([scope]), of=tenant)
        if reply.status != 200:
            refused = by_token(reply)
            if isinstance(refused, GrantEnded | Misbehaved):
                raise ClientRefused("the application is refused") from None
            raise refused
        tokens = self.tokens(reply)
        self.directory.reaches(tokens.access_token, address)
        return tokens

    def tokens(self, reply: Reply, refresh_token: str = "") -> Tokens:
        """Return the tokens of a good answer."""
        return tokens_of(reply.json(), refresh_token, self.spelled)

    def spelled(self, scope: str) -> str:
        """Return a scope as it was asked for: Graph's are answered with or without its name."""
        if not self.way.has_graph:
            return scope
        return scope.rpartition("/")[2]

    def revoke(self, token: str, issuer: str) -> Revocation:
        """Say what is left to the person: nothing ends one app's tokens, but who consented.

        Never `revokeSignInSessions`, which ends all apps of the person.
        """
        del token
        return Revocation(
            left_to_person=(WITHDRAW_PERSONAL if f"/{CONSUMERS}/" in issuer else WITHDRAW,)
        )

    def check(self) -> None:
        """Ask for the authority's metadata and the keys that ID tokens are verified by."""
        self.entra.configuration()
        self.keys.load()

    def close(self) -> None:
        """Let go of connections; never raises."""
        self.wire.close()


def capable(claims: str) -> str:
    """Return a claims request that says what we can do, with a challenge where there is one."""
    asked = json.loads(claims_in(claims) or "{}")
    asked.setdefault("access_token", {})["xms_cc"] = {"values": CAPABILITIES}
    return json.dumps(asked)
