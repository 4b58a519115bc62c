"""The key of an application that an organisation registered itself, to let it read mailboxes."""

from __future__ import annotations

import json
import re

from connectors.oauth.answers import text
from connectors.oauth.errors import ClientRefused
from connectors.oauth.jwt import GUID
from connectors.oauth.microsoft.entra import ANY_TENANT, Client

TENANT_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,252}")


def application_of(key: str) -> tuple[str, Client]:
    """Return a key's tenant and application.

    Raises:
        ClientRefused: It isn't whole.
    """
    try:
        told = json.loads(key)
    except ValueError:
        raise ClientRefused("not a key") from None
    tenant, client_id = text(told, "tenant"), text(told, "client_id").lower()
    is_tenant = TENANT_NAME.fullmatch(tenant) and tenant.lower() not in ANY_TENANT
    if not is_tenant or not GUID.fullmatch(client_id):
        raise ClientRefused("the key names no tenant or no application")
    names = ("private_key", "public_certificate")
    pair = {name: text(told, name) for name in names}
    secret = text(told, "client_secret")
    if not secret and not all(pair.values()):
        raise ClientRefused("the key has neither a secret nor a certificate")
    return tenant, Client(client_id, secret or pair)
