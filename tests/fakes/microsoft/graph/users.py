"""Users: who `/me` is, and who somebody is in the tenant."""

from __future__ import annotations

from tests.fakes.common.wire import Answer
from tests.fakes.microsoft.graph import odata
from tests.fakes.microsoft.graph.answers import entity
from tests.fakes.microsoft.graph.request import Request

_PROPERTIES = (
    *("businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone"),
    *("officeLocation", "preferredLanguage", "surname", "userPrincipalName"),
)
_MORE = ("accountEnabled", "proxyAddresses", "userType", "otherMails", "mailNickname")
"""Only by `$select`."""


def get(request: Request) -> Answer:
    """Answer `GET /me` and `GET /users/{id}`."""
    options = odata.read(request.call, {"$select"})
    chosen = options.select((*_PROPERTIES, *_MORE), "user") or list(_PROPERTIES)
    account = request.account
    first, _, last = account.name.partition(" ")
    known: dict[str, object] = {
        "businessPhones": [],
        "displayName": account.name,
        "givenName": first,
        "surname": last or None,
        "id": account.oid,
        "mail": account.email,
        "userPrincipalName": account.username,
        "accountEnabled": not account.is_disabled,
        "proxyAddresses": [f"SMTP:{account.address}"],
        "userType": "Guest" if account.home else "Member",
        "otherMails": [],
        "mailNickname": account.address.partition("@")[0],
    }
    return entity(request, "users/$entity", {name: known.get(name) for name in chosen})
