"""What any stand-in knows, behind one lock."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from tests.fakes.common.clock import Clock
from tests.fakes.common.consent import Consent
from tests.fakes.common.counters import CommonCounters
from tests.fakes.common.faults import Faults
from tests.fakes.common.keys import KeyRing
from tests.fakes.common.people import Client, Named, People

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AnySettings = TypeVar("AnySettings", bound="DataclassInstance")
AnyAccount = TypeVar("AnyAccount", bound=Named)
AnyCounters = TypeVar("AnyCounters", bound=CommonCounters)


class CommonWorld(Generic[AnySettings, AnyAccount, AnyCounters]):
    """Everything in one place; whoever touches it holds `lock`."""

    kept: ClassVar[tuple[str, ...]] = ("keys", "accounts", "clients")
    """The parts that survive a restart."""

    def __init__(self, settings: AnySettings, counters: AnyCounters, client: Client) -> None:
        self.lock = threading.RLock()
        self.url = ""
        """Where it is served, without a slash at the end."""
        self.settings = settings
        self.counters = counters
        self.clock = Clock()
        self.keys = KeyRing()
        self.accounts: People[AnyAccount] = People()
        self.clients = {client.client_id: client}
        self.consent: Consent | None = None
        """Who answers in place of a person; nobody: a page is shown."""
        self.faults = Faults()

    @property
    def passing(self) -> dict[str, object]:
        """What the kept parts lean on, and each run makes anew."""
        return {"settings": self.settings, "clock": self.clock}

    def parts(self) -> dict[str, object]:
        """Return what is kept, by name."""
        return {name: getattr(self, name) for name in self.kept}

    def recall(self, parts: Mapping[str, object]) -> None:
        """Take over what was kept; programs may return to where this run lets them, as well."""
        given = self.clients
        for name, part in parts.items():
            setattr(self, name, part)
        for client in given.values():
            known = self.clients.setdefault(client.client_id, client)
            known.redirect_uris |= client.redirect_uris
