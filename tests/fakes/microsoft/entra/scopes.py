"""Scopes: Graph's with or without the resource before them, Exchange's, and those of sign-in.

A scope without a resource is Graph's. A national cloud's Graph has another host; the stand-in's own
address is taken for one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

GRAPH = "https://graph.microsoft.com"
EXCHANGE = "https://outlook.office.com"
SIGN_IN = frozenset({"openid", "profile", "email", "offline_access"})
DEFAULT = ".default"
_NAMES = {
    GRAPH: frozenset(
        {
            *("User.Read", "User.ReadBasic.All", "MailboxSettings.Read"),
            *("Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite", "Mail.Send"),
            *("Mail.Read.Shared", "Mail.ReadBasic.Shared", "Mail.ReadWrite.Shared"),
        }
    ),
    EXCHANGE: frozenset(
        {"IMAP.AccessAsUser.All", "POP.AccessAsUser.All", "SMTP.Send", "IMAP.AccessAsApp"}
    ),
}
ROLES = frozenset({"Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite", "User.Read.All"})
"""Graph's application permissions that the stand-in knows."""


def expanded(scope: str, own: str = "") -> frozenset[str]:
    """Return the scopes of a request by their full names in Microsoft's spelling.

    `own` is where the stand-in is served. Unknown ones stay as they are.
    """
    return frozenset(_full(each, own) for each in scope.split())


def _full(scope: str, own: str) -> str:
    if scope.casefold() in SIGN_IN:
        return scope.casefold()
    resource, slash, name = scope.rpartition("/")
    if not slash:
        resource = GRAPH
    if own and resource.rstrip("/") == own:
        resource = GRAPH
    resource = resource.rstrip("/").replace("outlook.office365.com", "outlook.office.com")
    spelled = {each.casefold(): each for each in (*_NAMES.get(resource, ()), DEFAULT)}
    return f"{resource}/{spelled.get(name.casefold(), name)}"


def resource_of(scope: str) -> str:
    """Return the resource of a full scope; '' for those of sign-in."""
    return scope.rpartition("/")[0]


def of_resource(scopes: Iterable[str], resource: str) -> frozenset[str]:
    """Return the names, without the resource, of a resource's scopes."""
    return frozenset(
        each.rpartition("/")[2] for each in scopes if resource and resource_of(each) == resource
    )


def unknown(scopes: Iterable[str]) -> list[str]:
    """Return the full scopes that no resource has."""
    return sorted(
        each
        for each in scopes
        if each not in SIGN_IN
        and each.rpartition("/")[2] not in _NAMES.get(resource_of(each), frozenset())
        and not each.endswith(f"/{DEFAULT}")
    )


def written(scopes: Collection[str], asked: Collection[str], *, is_long: bool) -> str:
    """Return scopes as a token answer writes them: Graph's as they were asked for.

    `offline_access` is never among them. `asked` holds the words of the request.
    """
    wrote_long = is_long or any(each.casefold().startswith("https://graph") for each in asked)
    shown = sorted(set(scopes) - {"offline_access"})
    if not wrote_long:
        shown = [each.removeprefix(f"{GRAPH}/") for each in shown]
    return " ".join(shown)
