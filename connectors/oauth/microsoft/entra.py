"""An authority of Entra ID, and what is asked of it by msal."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from msal import ConfidentialClientApplication

from connectors.errors import ConnectorError, Misbehaved
from connectors.oauth.base import CONSENT_STATE
from connectors.oauth.errors import ClientRefused
from connectors.oauth.microsoft.transport import Documents, Transport
from connectors.oauth.wire import Reply, Wire, origin_of

# It writes descriptions of errors, and answers it can't read, to its log.
logging.getLogger("msal").setLevel(logging.CRITICAL)
# An answer by form would come without the cookie that binds it to the browser (SameSite=Lax).
warnings.filterwarnings("ignore", "response_mode='form_post'", UserWarning)

CAPABILITIES = ["cp1"]
"""We know what to do with a claims challenge (Continuous Access Evaluation)."""
ANY_TENANT = frozenset({"common", "organizations", "consumers"})
Credential = str | Mapping[str, str]
"""A client's secret, or its `private_key` and `public_certificate` in PEM."""


@dataclass(frozen=True, slots=True)
class Client:
    """An application's registration."""

    id: str
    credential: Credential = field(repr=False)


class Entra:
    """Where people and applications are authorised. Safe to use from many threads."""

    def __init__(self, authority: str, wire: Wire) -> None:
        self.authority = authority
        self._wire = wire
        self._documents = Documents(wire)

    @property
    def origin(self) -> str:
        """Its scheme and host."""
        return origin_of(self.authority)

    @property
    def tenant(self) -> str:
        """The tenant whose accounts are taken, or the word for many tenants."""
        return self.authority.rpartition("/")[2]

    def configuration(self) -> Mapping[str, Any]:
        """Return the authority's metadata (OpenID Connect Discovery 3).

        Raises:
            connectors.errors.ConnectorError: It isn't to be had now, or names another host.
        """
        reply = self._documents.get(f"{self.authority}/v2.0/.well-known/openid-configuration")
        if reply.status != 200:
            raise ClientRefused("the authority is not known: see MICROSOFT_AUTHORITY")
        told = reply.json()
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if origin_of(str(told.get(name, ""))) != self.origin:
                raise Misbehaved("the authority's metadata names another host")
        return told

    def consent_url(self, client: Client, tenant: str, scopes: str, redirect_uri: str) -> str:
        """Return the administrator's page of a tenant; it comes back with `admin_consent`."""
        asked = {
            "client_id": client.id,
            "scope": scopes,
            "redirect_uri": redirect_uri,
            "state": CONSENT_STATE,
        }
        return f"{self.origin}/{tenant}/v2.0/adminconsent?{urlencode(asked)}"

    def ask(
        self,
        client: Client,
        question: Callable[[ConfidentialClientApplication], object],
        of: str = "",
    ) -> Reply:
        """Let msal put a question, perhaps to another tenant, and return the answer.

        One of status 0 says that msal refuses to ask. What msal makes of it isn't looked at: its
        exceptions repeat what the server said.

        Raises:
            connectors.errors.ConnectorError: What the network or a failing server means.
        """
        if not of:
            self.configuration()
        transport = Transport(self._wire, self._documents)
        try:
            question(self.application(client, transport, of))
        except ConnectorError:
            raise
        except Exception:  # noqa: BLE001, S110  (whatever a strange answer makes of it)
            pass
        return transport.last

    def application(
        self, client: Client, transport: Transport, of: str = ""
    ) -> ConfidentialClientApplication:
        """Return an application of msal's that keeps nothing beyond one question."""
        credential = client.credential
        return ConfidentialClientApplication(
            client.id,
            client_credential=credential if isinstance(credential, str) else dict(credential),
            authority=f"{self.origin}/{of}" if of else self.authority,
            # Whom to trust is the operator's to say, in the settings; msal would ask a host that
            # isn't declared.
            instance_discovery=False,
            http_client=transport,
            client_capabilities=CAPABILITIES,
        )
