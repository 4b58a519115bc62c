"""What a test holds of one account: a hand that may be used from any thread."""

from __future__ import annotations

from typing import Generic, TypeVar

from tests.fakes.common.people import Named

AnyWorld = TypeVar("AnyWorld")
AnyAccount = TypeVar("AnyAccount", bound=Named)


class Hand(Generic[AnyWorld, AnyAccount]):
    """Knows the account and the world that it lives in."""

    def __init__(self, world: AnyWorld, account: AnyAccount) -> None:
        self._world = world
        self._account = account

    @property
    def address(self) -> str:
        """The account's address."""
        return self._account.address
