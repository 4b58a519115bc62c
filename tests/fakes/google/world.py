"""All that the stand-in knows, behind one lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fakes.common.clock import Clock
from tests.fakes.common.faults import Faults
from tests.fakes.common.keys import KeyRing
from tests.fakes.google.accounts import Accounts, Client, ServiceAccount
from tests.fakes.google.counters import Counters
from tests.fakes.google.grants import Grants
from tests.fakes.google.pages import Pages
from tests.fakes.google.quota import Quota
from tests.fakes.google.risc import Stream
from tests.fakes.google.settings import QuotaSettings, Settings
from tests.fakes.google.watches import Watches

if TYPE_CHECKING:
    from tests.fakes.google.authorize import Asked


@dataclass(slots=True)
class Consent:
    """Who answers the consent page in place of a person."""

    address: str | None = None
    """The account; when not set, the one of `login_hint`, else the only one."""
    scopes: frozenset[str] | None = None
    """What is granted of what was asked; all when not set."""
    is_denied: bool = False


class World:
    """Everything in one place; whoever touches it holds `lock`."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self.lock = threading.RLock()
        self.url = ""
        """Where it is served, without a slash at the end."""
        self.settings = settings
        self.clock = Clock()
        self.keys = KeyRing()
        self.accounts = Accounts(self.clock)
        self.clients = {client.client_id: client}
        self.service_accounts: dict[str, ServiceAccount] = {}
        self.grants = Grants(self.clock, settings)
        self.consent: Consent | None = None
        """Who answers in place of a person; nobody: a page is shown."""
        self.asked: dict[str, Asked] = {}
        """The consent pages that wait for an answer, by the ticket in their form."""
        self.quota = Quota(QuotaSettings())
        self.faults = Faults()
        self.counters = Counters()
        self.watches = Watches(self.clock)
        self.stream = Stream()
        self.pages = Pages()
