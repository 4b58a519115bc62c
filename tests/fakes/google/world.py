"""All that the stand-in knows, behind one lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.common.people import Client
from tests.fakes.common.world import CommonWorld
from tests.fakes.google.accounts import Account, ServiceAccount
from tests.fakes.google.counters import Counters
from tests.fakes.google.grants import Grants
from tests.fakes.google.pages import Pages
from tests.fakes.google.quota import Quota
from tests.fakes.google.risc import Stream
from tests.fakes.google.settings import QuotaSettings, Settings
from tests.fakes.google.watches import Watches

if TYPE_CHECKING:
    from tests.fakes.google.authorize import Asked


class World(CommonWorld[Settings, Account, Counters]):
    """Everything in one place; whoever touches it holds `lock`."""

    kept = (*CommonWorld.kept, "service_accounts", "grants", "watches", "stream", "pages")

    def __init__(self, settings: Settings, counters: Counters, client: Client) -> None:
        super().__init__(settings, counters, client)
        self.service_accounts: dict[str, ServiceAccount] = {}
        self.grants = Grants(self.clock, settings)
        self.asked: dict[str, Asked] = {}
        """The consent pages that wait for an answer, by the ticket in their form."""
        self.quota = Quota(QuotaSettings())
        self.watches = Watches(self.clock)
        self.stream = Stream()
        self.pages = Pages()
