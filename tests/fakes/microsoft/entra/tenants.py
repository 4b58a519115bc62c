"""Tenants: organisations and their policies, and the three names that stand for many."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal accounts (learn.microsoft.com, ID token claims reference)."""
PERSONAL_DOMAINS = frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"})
SHARED_NAMES = frozenset({"common", "organizations", "consumers"})
_NAMESPACE = uuid.UUID("5d8e3a52-6f2e-4c55-9f61-2f3d0f0c8f11")


def guid(text: str) -> str:
    """Return the GUID that follows from a text, so that a failing test fails again the same."""
    return str(uuid.uuid5(_NAMESPACE, text))


@dataclass(slots=True, eq=False)
class Tenant:
    """An organisation, or all personal accounts together."""

    id: str
    domain: str
    needs_admin: str = ""
    """The code of the refusal when people may not consent themselves: 90094 or 90095."""
    allowed: dict[str, frozenset[str]] = field(default_factory=dict)
    """Delegated scopes that the administrator allowed for everybody, by client."""
    roles: dict[str, frozenset[str]] = field(default_factory=dict)
    """Application permissions that the administrator gave, by client."""
    reach: dict[str, frozenset[str]] = field(default_factory=dict)
    """Addresses that RBAC for Applications confines a client to; every mailbox without one."""

    @property
    def is_personal(self) -> bool:
        """Whether it holds the personal accounts."""
        return self.id == CONSUMERS


class Tenants:
    """All tenants, found by id or domain."""

    def __init__(self) -> None:
        self._all = {CONSUMERS: Tenant(CONSUMERS, "consumers")}

    def __iter__(self) -> Iterator[Tenant]:
        return iter(list(self._all.values()))

    def of_domain(self, domain: str, tenant_id: str | None = None) -> Tenant:
        """Return the tenant of a mail domain, which is made if it is not known."""
        if domain.casefold() in PERSONAL_DOMAINS:
            return self._all[CONSUMERS]
        found = self.find(domain)
        if found is None:
            found = Tenant(tenant_id or guid(f"tenant {domain.casefold()}"), domain.casefold())
            self._all[found.id] = found
        return found

    def find(self, name: str) -> Tenant | None:
        """Return the tenant of an id or domain."""
        wanted = name.casefold()
        if wanted == "consumers":
            return self._all[CONSUMERS]
        return next((each for each in self if wanted in {each.id, each.domain}), None)

    def get(self, tenant_id: str) -> Tenant:
        """Return a tenant that exists."""
        return self._all[tenant_id]

    def is_served(self, name: str) -> bool:
        """Say whether a name in a path means any tenants."""
        return name.casefold() in SHARED_NAMES or self.find(name) is not None

    def admits(self, name: str, tenant_id: str) -> bool:
        """Say whether accounts of a tenant may sign in under a name in a path."""
        match name.casefold():
            case "common":
                return True
            case "organizations":
                return tenant_id != CONSUMERS
            case _:
                found = self.find(name)
                return found is not None and found.id == tenant_id
