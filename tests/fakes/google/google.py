"""The stand-in as a test holds it: starts it, names its URLs, and tells it what to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from tests.fakes.common.keeping import Keeper, Listener
from tests.fakes.common.keys import signing_key
from tests.fakes.common.people import Client
from tests.fakes.common.stand_in import StandIn
from tests.fakes.google import errors, risc, scopes
from tests.fakes.google.accounts import Account, ServiceAccount, new_account
from tests.fakes.google.counters import Counters
from tests.fakes.google.person import Person
from tests.fakes.google.pushes import Pusher
from tests.fakes.google.routes import Routes
from tests.fakes.google.settings import Settings
from tests.fakes.google.token_errors import ON_DEMAND
from tests.fakes.google.world import World

CLIENT_ID = "493400000001-leadmail.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-stand-in-for-google"
TOPIC = "projects/leadmail-stand-in/topics/gmail"
_SERVICE_KEYS = 2_000_000


class Google(StandIn[Settings, Account, Counters, Person]):
    """A stand-in for Google on loopback; its methods may be called from any thread."""

    name = "google"
    faulty = "gmail.*"
    too_many = "tooManyRequests"

    def __init__(
        self,
        port: int = 0,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        redirect_uris: Iterable[str] = (),
        state: Path | None = None,
    ) -> None:
        """Serve; with `state`, what that file keeps is known again."""
        client = Client(CLIENT_ID, CLIENT_SECRET, "Leadmail", set(redirect_uris))
        self._world = world = World(Settings(), Counters(), client)
        keeper = Keeper(world, state)
        self._pusher = Pusher(world)
        for account in world.accounts:
            self._tell_of_changes(account)
        super().__init__(
            world,
            Routes(world),
            lambda account: Person(world, account),
            Person,
            (*errors.NAMED, *ON_DEMAND),
            keeper,
            port,
            certificate,
            key,
        )
        self._pusher.start()

    def close(self) -> None:
        """Stop serving and sending."""
        super().close()
        self._pusher.close()

    def environment(self) -> dict[str, str]:
        """Return the settings that make Leadmail use this instead of Google."""
        return {
            "GOOGLE_CLIENT_ID": CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "GOOGLE_AUTH_URL": f"{self.url}/o/oauth2/v2/auth",
            "GOOGLE_TOKEN_URL": f"{self.url}/token",
            "GOOGLE_REVOKE_URL": f"{self.url}/revoke",
            "GMAIL_API_URL": self.url,
            "GMAIL_PUBSUB_TOPIC": TOPIC,
            "GMAIL_PUSH_SERVICE_ACCOUNT": self.settings.push_service_account,
        }

    def add_account(
        self,
        address: str,
        sub: str | None = None,
        name: str | None = None,
        hosted_domain: str | None = None,
    ) -> Person:
        """Make an account; one that isn't of gmail.com belongs to a Workspace of its domain."""
        domain = address.rpartition("@")[2].casefold()
        own = None if domain in {"gmail.com", "googlemail.com"} else domain
        with self._world.lock:
            made = new_account(address, sub, name, hosted_domain or own, self._world.clock)
            account = self._world.accounts.hold(made)
            self._tell_of_changes(account)
        return Person(self._world, account)

    def add_service_account(
        self, address: str, delegated: dict[str, str] | None = None
    ) -> dict[str, str]:
        """Make a service account and return its key file.

        `delegated` holds the scopes that a Workspace's administrator gave it, by domain.
        """
        with self._world.lock:
            number = _SERVICE_KEYS + len(self._world.service_accounts)
            given = {domain: scopes.expanded(each) for domain, each in (delegated or {}).items()}
            service = ServiceAccount(address, str(number), signing_key(number), given)
            self._world.service_accounts[address] = service
            return service.key_file(f"{self.url}/token", self.settings.project)

    def _expanded(self, scope: str) -> frozenset[str]:
        return scopes.expanded(scope)

    def set_quota(
        self,
        units_per_minute: int | None = None,
        over: str | None = None,
        units: dict[str, int] | None = None,
    ) -> None:
        """Change the budget per user, the refusal when it is spent, or the price of methods."""
        assert over is None or over in errors.NAMED, over
        with self._world.lock:
            quota = self._world.quota.settings
            quota.units_per_minute = units_per_minute or quota.units_per_minute
            quota.over = over or quota.over
            quota.units.update(units or {})

    def refill_quota(self) -> None:
        """Give every user the whole minute again."""
        with self._world.lock:
            self._world.quota.refill()

    def expire_access_tokens(self) -> None:
        """Let all access tokens be over."""
        with self._world.lock:
            self._world.grants.expire_access_tokens()

    def expire_page_tokens(self) -> None:
        """Let all page tokens be too old."""
        with self._world.lock:
            self._world.pages.expire()

    def wait_for_pushes(self, within: timedelta = timedelta(seconds=5)) -> bool:
        """Wait until no push is on its way, and say whether that came to be."""
        return self._pusher.idle(within)

    def receive_events(self, url: str) -> None:
        """Register an endpoint for all security events, as the RISC API does."""
        with self._world.lock:
            self._world.stream.url = url
            self._world.stream.events = set(risc.EVENTS.values())

    def verify_events(self, state: str) -> int:
        """Send a verification event and return the status it met."""
        with self._world.lock:
            event = risc.event(self._world, "verification", None, {"state": state})
        return risc.send(self._world, "verification", event)

    def _tell_of_changes(self, account: Account) -> None:
        account.mailbox.on_change = Listener(lambda record: self._pusher.changed(account, record))
