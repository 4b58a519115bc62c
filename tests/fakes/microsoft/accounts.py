"""People and shared mailboxes, at home in a tenant or personal."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from tests.fakes.common.clock import Clock
from tests.fakes.common.people import spoken_name
from tests.fakes.microsoft.entra.refusals import Denied
from tests.fakes.microsoft.entra.tenants import Tenant, guid
from tests.fakes.microsoft.graph.mailbox import Mailbox


@dataclass(slots=True, eq=False)
class Account:
    """A person or a shared mailbox; `oid` never changes, the address may."""

    address: str
    oid: str
    name: str
    tenant: Tenant
    mailbox: Mailbox
    username: str
    """The user principal name, shown as `preferred_username`; often the address, not always."""
    email: str | None
    """The `mail` attribute, which people of a tenant may set to an address that isn't theirs."""
    is_email_verified: bool = True
    is_admin: bool = False
    is_shared: bool = False
    """A shared mailbox: nobody signs in to it."""
    delegates: set[str] = field(default_factory=set)
    """The `oid`s of those who may read it as a shared mailbox."""
    home: Tenant | None = None
    """Where a guest is at home."""
    is_disabled: bool = False
    demand: Denied | None = None
    """Why a token is refused until the person has come to the authorization endpoint."""
    challenges: dict[str, bool] = field(default_factory=dict)
    """Claims (JSON) that access tokens must have been asked for; whether the person must come."""

    @property
    def lasting_id(self) -> str:
        """What never changes."""
        return self.oid

    @property
    def tid(self) -> str:
        """The tenant's id."""
        return self.tenant.id

    def sub(self, client_id: str) -> str:
        """Return the pairwise subject that one program knows the person by."""
        digest = hashlib.sha256(f"{client_id} {self.tid} {self.oid}".encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def new_account(
    address: str, name: str | None, oid: str | None, tenant: Tenant, clock: Clock
) -> Account:
    """Return an account; without an `oid`, one that follows from address and tenant."""
    return Account(
        address,
        oid or guid(f"{tenant.id} {address.casefold()}"),
        name or spoken_name(address),
        tenant,
        Mailbox(address, clock),
        username=address,
        email=address,
    )
