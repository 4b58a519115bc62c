"""Whose mailbox a token opens, as Graph tells it: its address is never read from the ID token.

`email` in an ID token and `mail` in Graph are what a tenant's people or administrators wrote there:
they prove nothing ("nOAuth"). The primary SMTP address of an account with a mailbox is in a domain
that its tenant has proven to own, and so is its user principal name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from connectors.errors import ClaimsWanted, GrantRevoked, MessageGone
from connectors.graph.refusals import refusal
from connectors.oauth.answers import text
from connectors.oauth.errors import (
    ClientRefused,
    GrantEnded,
    InteractionWanted,
    NoMailbox,
    Unproven,
)
from connectors.oauth.wire import Reply, Wire
from mail.address import Address, canonical

ABOUT_ME = "id,userPrincipalName,proxyAddresses,userType"
ABOUT_A_PERSON = "id,userPrincipalName"
"""The others are a directory's, which personal accounts aren't in."""
GUEST_MARK = "#ext#"
PRIMARY = "SMTP:"
"""In capitals: the address that mail is sent from; others are in small letters."""


@dataclass(frozen=True, slots=True)
class Directory:
    """Graph's few questions that tell whose mailbox it is."""

    url: str
    wire: Wire = field(repr=False)

    def address_of(self, token: str, object_id: str, *, is_personal: bool = False) -> Address:
        """Return the address of the signed-in account's mailbox, which is there.

        A personal account is known by the name it signs in with, which Microsoft has verified.

        Raises:
            Unproven: The access token is another account's than the ID token, or no address
                is proven.
            NoMailbox: The account is a guest, or has no mailbox.
        """
        about = ABOUT_A_PERSON if is_personal else ABOUT_ME
        told = good(self.ask(token, f"me?$select={about}"))
        if plain(text(told, "id")) != plain(object_id):
            raise Unproven("tokens of two accounts")
        name = text(told, "userPrincipalName")
        if GUEST_MARK in name.lower() or text(told, "userType") == "Guest":
            raise NoMailbox("a guest's mailbox is at home elsewhere")
        good(self.ask(token, "me/mailFolders/inbox?$select=id"))
        address = canonical(primary(told) or name)
        if address is None:
            raise Unproven("no address")
        return address

    def reaches(self, token: str, address: Address) -> None:
        """See that an application's token opens a mailbox.

        Raises:
            GrantEnded: It doesn't, or not any more.
        """
        try:
            good(self.ask(token, f"users/{quote(address)}/mailFolders/inbox?$select=id"))
        except (NoMailbox, ClientRefused):
            raise GrantEnded("the application doesn't reach the mailbox") from None

    def ask(self, token: str, path: str) -> Reply:
        """Ask Graph."""
        headers = {"Authorization": f"Bearer {token}", "Prefer": 'IdType="ImmutableId"'}
        return self.wire.send("GET", f"{self.url.rstrip('/')}/v1.0/{path}", headers, None)


def good(reply: Reply) -> Mapping[str, Any]:
    """Return a good answer's contents.

    Raises:
        NoMailbox: There is none.
        ClientRefused: The token lacks a permission, or is refused.
        InteractionWanted: The provider wants more of the person.
    """
    if reply.status == HTTPStatus.OK:
        return reply.json()
    refused = refusal(reply)
    if isinstance(refused, ClaimsWanted):
        raise InteractionWanted(refused.claims)
    if isinstance(refused, MessageGone):
        raise NoMailbox("no mailbox")
    if isinstance(refused, GrantRevoked):
        raise ClientRefused("Graph refuses the token")
    raise refused


def primary(told: Mapping[str, Any]) -> str:
    """Return the primary SMTP address; empty if none is told."""
    listed = told.get("proxyAddresses")
    found = (str(one) for one in listed if str(one).startswith(PRIMARY)) if listed else iter(())
    return next(found, "").removeprefix(PRIMARY)


def plain(object_id: str) -> str:
    """Return an object's id in one spelling: a personal account's is short in Graph."""
    return object_id.replace("-", "").lower().lstrip("0")
