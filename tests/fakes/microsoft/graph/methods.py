"""Which path is which method, what it needs, and who answers it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fakes.microsoft.graph import delta, folder_lists, message_lists, users
from tests.fakes.microsoft.graph.request import Handler

READ = frozenset({"Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"})
CONTENT = frozenset({"Mail.Read", "Mail.ReadWrite"})
WRITE = frozenset({"Mail.ReadWrite", "Mail.Send"})
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
_serve("GET", "/mailFolders", "mailFolders.list", READ, folder_lists.top)
_serve("GET", "/mailFolders/delta", "mailFolders.delta", READ, folder_lists.delta)
_serve("GET", "/mailFolders/{folder}", "mailFolders.get", READ, folder_lists.get)
_BELOW = "/mailFolders/{folder}/childFolders"
_serve("GET", _BELOW, "mailFolders.childFolders", READ, folder_lists.below)
_serve("GET", "/messages", "messages.list", READ, message_lists.listed)
_serve("GET", "/messages/delta", "messages.delta", READ, None)
_serve("GET", "/messages/{message}", "messages.get", READ, message_lists.get)
_serve("GET", "/messages/{message}/$value", "messages.value", CONTENT, message_lists.content)
_IN = "/mailFolders/{folder}/messages"
_serve("GET", _IN, "messages.list", READ, message_lists.listed)
_serve("GET", f"{_IN}/delta", "messages.delta", READ, delta.delta)
_serve("GET", f"{_IN}/{{message}}", "messages.get", READ, message_lists.get)
_serve("GET", f"{_IN}/{{message}}/$value", "messages.value", CONTENT, message_lists.content)
for _path, _name in (
    ("/messages/{message}", "messages"),
    ("/mailFolders/{folder}", "mailFolders"),
    ("/mailFolders/{folder}/messages/{message}", "messages"),
):
    # Nobody who reads a mailbox asks for these; who does is counted.
    _serve("PATCH", _path, f"{_name}.update", WRITE, None)
    _serve("DELETE", _path, f"{_name}.delete", WRITE, None)
for _action in ("move", "copy", "send", "reply", "forward"):
    _serve("POST", f"/messages/{{message}}/{_action}", f"messages.{_action}", WRITE, None)
_serve("GET", "/messages/{message}/attachments", "messages.attachments", CONTENT, None)
_serve("POST", "/sendMail", "users.sendMail", WRITE, None)
_serve("POST", "/revokeSignInSessions", "users.revokeSignInSessions", frozenset(), None)


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
