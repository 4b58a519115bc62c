"""What people allowed programs, as any provider keeps it: codes, and one grant for each pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from tests.fakes.common.people import Client

AnyAccount = TypeVar("AnyAccount")


@dataclass(slots=True, eq=False)
class CommonCode(Generic[AnyAccount]):
    """An authorization code; good once, and for ten minutes."""

    client: Client
    redirect_uri: str
    account: AnyAccount
    scopes: frozenset[str]
    nonce: str | None
    challenge: str | None
    method: str
    """`S256` or `plain`."""
    expires_at: datetime


@dataclass(slots=True, eq=False)
class CommonGrant(Generic[AnyAccount]):
    """All that one person allowed one program."""

    client: Client
    account: AnyAccount
    scopes: set[str] = field(default_factory=set)


class Granted(Protocol):
    """A grant of whichever provider."""

    client: Client
    scopes: set[str]

    @property
    def account(self) -> object:
        """Whose it is."""
        ...


AnyGrant = TypeVar("AnyGrant", bound=Granted)


class CommonGrants(Generic[AnyAccount, AnyGrant]):
    """Every grant, found by program and person."""

    def __init__(self, make: Callable[[Client, AnyAccount], AnyGrant]) -> None:
        self._make = make
        self._grants: list[AnyGrant] = []

    def find(self, client: Client, account: AnyAccount) -> AnyGrant | None:
        """Return what this person allowed this program."""
        return next((grant for grant in self.of(account) if grant.client is client), None)

    def of(self, account: AnyAccount) -> Iterator[AnyGrant]:
        """Yield all that this person allowed."""
        yield from [grant for grant in self._grants if grant.account is account]

    def allow(self, client: Client, account: AnyAccount, scopes: frozenset[str]) -> AnyGrant:
        """Add scopes to what this person allowed this program."""
        grant = self.find(client, account)
        if grant is None:
            grant = self._make(client, account)
            self._grants.append(grant)
        grant.scopes |= scopes
        return grant
