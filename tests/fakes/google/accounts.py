"""People with a Google account, and the programs that Google knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from tests.fakes.common.clock import Clock
from tests.fakes.common.keys import SigningKey
from tests.fakes.common.people import spoken_name
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

    @property
    def lasting_id(self) -> str:
        """What never changes."""
        return self.sub


def new_account(
    address: str, sub: str | None, name: str | None, hosted_domain: str | None, clock: Clock
) -> Account:
    """Return an account; without a `sub`, one that follows from the address."""
    digits = str(int(hashlib.sha256(address.encode()).hexdigest(), 16))[:20]
    return Account(
        address,
        sub or f"1{digits}",
        name or spoken_name(address),
        hosted_domain,
        Mailbox(address, clock),
    )


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
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": self.key.kid,
            "private_key": self.key.pem,
            "client_email": self.address,
            "client_id": self.client_id,
            "token_uri": token_url,
            "universe_domain": "googleapis.com",
        }
