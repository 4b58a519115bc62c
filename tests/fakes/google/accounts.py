"""People with a Google account, and the programs that Google knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization

from tests.fakes.common.clock import Clock
from tests.fakes.common.keys import SigningKey
from tests.fakes.google.mailbox import Mailbox


@dataclass(slots=True, eq=False)
class Account:
    """A person; `sub` never changes, the address may."""

    address: str
    sub: str
    name: str
    hosted_domain: str | None
    """The Workspace it belongs to; none for a private account."""
    mailbox: Mailbox
    is_disabled: bool = False


class Accounts:
    """All people, found by address in any case or by `sub`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: list[Account] = []

    def __iter__(self) -> Iterator[Account]:
        return iter(list(self._all))

    def add(
        self, address: str, sub: str | None, name: str | None, hosted_domain: str | None
    ) -> Account:
        """Make an account; without a `sub`, one that follows from the address."""
        assert self.find(address) is None, f"{address} exists"
        digits = str(int(hashlib.sha256(address.encode()).hexdigest(), 16))[:20]
        account = Account(
            address,
            sub or f"1{digits}",
            name or address.partition("@")[0].replace(".", " ").title(),
            hosted_domain,
            Mailbox(address, self._clock),
        )
        self._all.append(account)
        return account

    def find(self, hint: str) -> Account | None:
        """Return the account of an address or a `sub`."""
        for account in self._all:
            if hint.casefold() in {account.address.casefold(), account.sub}:
                return account
        return None


@dataclass(slots=True)
class Client:
    """A registered program."""

    client_id: str
    secret: str
    name: str
    redirect_uris: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ServiceAccount:
    """A program's own account, which may act for people when their Workspace says so."""

    address: str
    client_id: str
    key: SigningKey
    delegated: dict[str, frozenset[str]] = field(default_factory=dict)
    """The scopes that a Workspace's administrator gave it, by domain."""

    def key_file(self, token_url: str, project: str) -> dict[str, str]:
        """Return what Google's console lets one download as the account's key."""
        private = self.key.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": self.key.kid,
            "private_key": private.decode(),
            "client_email": self.address,
            "client_id": self.client_id,
            "token_uri": token_url,
            "universe_domain": "googleapis.com",
        }
