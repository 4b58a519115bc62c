"""People with an account, and the programs that a provider knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """An account as far as it is looked for."""

    address: str

    @property
    def lasting_id(self) -> str:
        """What never changes; the address may."""
        ...


AnyAccount = TypeVar("AnyAccount", bound=Named)


class People(Generic[AnyAccount]):
    """All people, found by address in any case or by their lasting id."""

    def __init__(self) -> None:
        self._all: list[AnyAccount] = []

    def __iter__(self) -> Iterator[AnyAccount]:
        return iter(list(self._all))

    def hold(self, account: AnyAccount) -> AnyAccount:
        """Add an account whose address nobody else has."""
        assert self.find(account.address) is None, f"{account.address} exists"
        self._all.append(account)
        return account

    def find(self, hint: str) -> AnyAccount | None:
        """Return the account of an address or a lasting id."""
        for account in self._all:
            if hint.casefold() in {account.address.casefold(), account.lasting_id.casefold()}:
                return account
        return None

    def meant(self, hint: str) -> AnyAccount | None:
        """Return the hinted account; without a hint the only one there is."""
        if hint:
            return self.find(hint)
        return self._all[0] if len(self._all) == 1 else None


def spoken_name(address: str) -> str:
    """Return what a person of this address may be called."""
    return address.partition("@")[0].replace(".", " ").title()


@dataclass(slots=True)
class Client:
    """A registered program."""

    client_id: str
    secret: str
    name: str
    redirect_uris: set[str] = field(default_factory=set)
