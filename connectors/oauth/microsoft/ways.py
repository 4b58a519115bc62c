"""The ways to Microsoft's mail: what each is called, and what it needs to be allowed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """One way to Microsoft's mail: the name of its provider, and what it needs to be allowed.

    `has_graph`: its tokens are Graph's, which tells whose mailbox it is; else the mail server
    does.
    """

    name: str
    scopes: tuple[str, ...]
    has_graph: bool


GRAPH = Way("graph", ("Mail.Read", "User.Read"), has_graph=True)
"""`User.Read` is for `/me`, which tells the address of the mailbox."""
OUTLOOK_IMAP = Way(
    "outlook-imap", ("https://outlook.office.com/IMAP.AccessAsUser.All",), has_graph=False
)
