"""Which path is which method, what it needs, and who answers it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fakes.microsoft.graph import users
from tests.fakes.microsoft.graph.request import Handler

READ = frozenset({"Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"})
CONTENT = frozenset({"Mail.Read", "Mail.ReadWrite"})
USER = frozenset({"User.Read", "User.ReadBasic.All", "User.Read.All"})
_PARENTHESES = re.compile(r"([A-Za-z]+)\('([^']*)'\)")
_USER = ("me", "users/{user}")


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its name in counters and faults, the permissions of which one is needed."""

    name: str
    permissions: frozenset[str]
    handler: Handler | None
    """None: Graph serves it, the stand-in does not."""

    @property
    def is_mail(self) -> bool:
        """Whether it is about messages, whose ids depend on what is preferred."""
        return self.name.startswith("graph.messages.")


_METHODS: dict[tuple[str, str], Method] = {}


def _serve(verb: str, path: str, name: str, needs: frozenset[str], by: Handler | None) -> None:
    for user in _USER:
        _METHODS[verb, f"{user}{path}"] = Method(f"graph.{name}", needs, by)


_serve("GET", "", "users.get", USER, users.get)


def find(verb: str, path: str) -> tuple[Method, dict[str, str]] | None:
    """Return the method of a path below the version, and what stands in its braces.

    Keys may be written as `/mailFolders/ID` or `/mailFolders('ID')`, and functions with their
    namespace and parentheses; names of segments in any case.
    """
    text = _PARENTHESES.sub(r"\1/\2", path.strip("/"))
    text = text.replace("microsoft.graph.", "").replace("()", "")
    pieces = text.split("/")
    for (known_verb, pattern), method in _METHODS.items():
        if known_verb == verb and (found := _match(pattern, pieces)) is not None:
            return method, found
    return None


def _match(pattern: str, pieces: list[str]) -> dict[str, str] | None:
    wanted = pattern.split("/")
    if len(wanted) != len(pieces):
        return None
    found: dict[str, str] = {}
    for want, piece in zip(wanted, pieces, strict=True):
        if want.startswith("{"):
            found[want[1:-1]] = piece
        elif want.casefold() != piece.casefold():
            return None
    return found


def served() -> Mapping[tuple[str, str], Method]:
    """Return all methods by verb and path."""
    return _METHODS
