"""Scopes: the short names of sign-in and the long ones that Google writes into its answers."""

from __future__ import annotations

from collections.abc import Iterable

from tests.fakes.google import discovery

_LONG = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}
_SHORT = {long: short for short, long in _LONG.items()}
SIGN_IN = frozenset({"openid", *_LONG.values()})
"""Granted together with the sign-in; only the others have a box on the consent page."""
METADATA = "https://www.googleapis.com/auth/gmail.metadata"


def expanded(scope: str) -> frozenset[str]:
    """Return the scopes of a request by their long names."""
    return frozenset(_LONG.get(each, each) for each in scope.split())


def written(scopes: Iterable[str]) -> str:
    """Return scopes as the token answer writes them."""
    return " ".join(sorted(scopes))


def written_short(scopes: Iterable[str]) -> str:
    """Return scopes as the answer to the browser writes them: sign-in by both names."""
    named = sorted(scopes)
    return " ".join([*(_SHORT[each] for each in named if each in _SHORT), *named])


def unknown(scopes: Iterable[str]) -> list[str]:
    """Return the scopes that are neither Gmail's nor of the sign-in."""
    known = SIGN_IN.union(*(method.scopes for method in discovery.methods()))
    return sorted(set(scopes) - known)
