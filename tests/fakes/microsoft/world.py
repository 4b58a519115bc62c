"""All that the stand-in knows, behind one lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from tests.fakes.common.people import Client
from tests.fakes.common.world import CommonWorld
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.counters import Counters
from tests.fakes.microsoft.entra.grants import Grants
from tests.fakes.microsoft.entra.tenants import Tenants
from tests.fakes.microsoft.graph.limits import Limits
from tests.fakes.microsoft.graph.subscriptions import Subscriptions
from tests.fakes.microsoft.settings import Settings

if TYPE_CHECKING:
    from tests.fakes.microsoft.entra.authorize import Asked


class World(CommonWorld[Settings, Account, Counters]):
    """Everything in one place; whoever touches it holds `lock`."""

    kept = (*CommonWorld.kept, "tenants", "grants", "subscriptions")

    def __init__(self, settings: Settings, counters: Counters, client: Client) -> None:
        super().__init__(settings, counters, client)
        self.tenants = Tenants()
        self.certificates: dict[str, list[x509.Certificate]] = {}
        """What programs may prove themselves by instead of a secret, by client."""
        self.grants = Grants(self.clock, settings)
        self.asked: dict[str, Asked] = {}
        """The consent pages that wait for an answer, by the ticket in their form."""
        self.limits = Limits(self.clock, settings)
        self.subscriptions = Subscriptions(self.clock)
        self.endpoint_ca_file: str | None = None
        """The authority of the endpoints that notices are sent to."""
