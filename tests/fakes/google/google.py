"""The stand-in as a test holds it: starts it, names its URLs, and tells it what to do."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Self

from tests.fakes.common.control import Control
from tests.fakes.common.faults import ON_THE_LINE, Fault
from tests.fakes.common.keys import signing_key
from tests.fakes.common.server import Server
from tests.fakes.google import errors, risc, scopes
from tests.fakes.google.accounts import Account, Client, ServiceAccount
from tests.fakes.google.app import App
from tests.fakes.google.counters import Counters
from tests.fakes.google.person import Person
from tests.fakes.google.pushes import Pusher
from tests.fakes.google.settings import Settings
from tests.fakes.google.token_errors import ON_DEMAND
from tests.fakes.google.world import Consent, World

CLIENT_ID = "493400000001-leadmail.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-stand-in-for-google"
TOPIC = "projects/leadmail-stand-in/topics/gmail"
_SERVICE_KEYS = 2_000_000


class Google:
    """A stand-in for Google on loopback; its methods may be called from any thread."""

    def __init__(
        self,
        port: int = 0,
        *,
        certificate: Path | None = None,
        key: Path | None = None,
        redirect_uris: Iterable[str] = (),
    ) -> None:
        client = Client(CLIENT_ID, CLIENT_SECRET, "Leadmail", set(redirect_uris))
        self._world = World(Settings(), client)
        self._pusher = Pusher(self._world)
        self._server = Server(
            App(self._world, Control(self).answer), port, certificate=certificate, key=key
        )
        host = "localhost" if certificate else "127.0.0.1"
        scheme = "https" if certificate else "http"
        self._world.url = f"{scheme}://{host}:{self._server.port}"
        self._pusher.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and sending."""
        self._server.close()
        self._pusher.close()

    @property
    def url(self) -> str:
        """Where all is served, without a slash at the end."""
        return self._world.url

    @property
    def settings(self) -> Settings:
        """What can be set; see also `configure`."""
        return self._world.settings

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
            account = self._world.accounts.add(address, sub, name, hosted_domain or own)
            self._tell_of_changes(account)
        return Person(self._world, account)

    def account(self, address: str) -> Person:
        """Return the hand on an account, by its address or `sub`."""
        with self._world.lock:
            account = self._world.accounts.find(address)
        assert account is not None, f"there is no account {address}"
        return Person(self._world, account)

    def accounts(self) -> list[str]:
        """Return the addresses of all accounts."""
        with self._world.lock:
            return [account.address for account in self._world.accounts]

    def allow_redirect(self, url: str) -> None:
        """Register a redirect URI of the client."""
        with self._world.lock:
            self._world.clients[CLIENT_ID].redirect_uris.add(url)

    def add_client(self, client_id: str, secret: str, redirect_uris: list[str]) -> None:
        """Register another program."""
        with self._world.lock:
            self._world.clients[client_id] = Client(
                client_id, secret, "Another program", set(redirect_uris)
            )

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

    def consent_as(self, address: str | None = None, scope: str | None = None) -> None:
        """Let consent be given at once: by this account or the hinted one, for these scopes."""
        chosen = None if scope is None else scopes.expanded(scope)
        with self._world.lock:
            self._world.consent = Consent(address, chosen)

    def consent_denied(self) -> None:
        """Let consent be denied at once."""
        with self._world.lock:
            self._world.consent = Consent(is_denied=True)

    def consent_by_page(self) -> None:
        """Let a person answer on a page."""
        with self._world.lock:
            self._world.consent = None

    def fail_next(
        self,
        what: str,
        times: int = 1,
        method: str = "gmail.*",
        address: str | None = None,
        retry_after: timedelta | None = None,
        skip: int = 0,
    ) -> None:
        """Let the next calls fail, after `skip` that go well.

        `what` is a reason (`backendError`, `rateLimitExceeded`, `invalid_grant`, ...) or how the
        line breaks (`truncated`, `hanging`, `dropped`); `method` a pattern of method names, as
        `gmail.users.messages.get` or `oauth.token`. The calls of a batch count one by one.
        """
        known = {*errors.NAMED, *ON_DEMAND, *ON_THE_LINE}
        assert what in known, f"{what} is none of {sorted(known)}"
        with self._world.lock:
            self._world.faults.add(Fault(what, times, method, address, retry_after, skip))

    def throttle(
        self,
        times: int = 1,
        retry_after: timedelta = timedelta(seconds=1),
        what: str = "tooManyRequests",
        method: str = "gmail.*",
        address: str | None = None,
    ) -> None:
        """Let the next calls be refused as too many."""
        self.fail_next(what, times, method, address, retry_after)

    def delay(self, by: timedelta, method: str = "*") -> None:
        """Let calls take so long; zero undoes it."""
        with self._world.lock:
            self._world.faults.delay(method, by)

    def go_well(self) -> None:
        """Forget all faults and delays."""
        with self._world.lock:
            self._world.faults.clear()

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

    def configure(self, values: dict[str, object]) -> None:
        """Change settings by their names; durations are seconds."""
        known = {field.name: getattr(self.settings, field.name) for field in fields(Settings)}
        with self._world.lock:
            for name, value in values.items():
                assert name in known, f"there is no setting {name}"
                is_duration = isinstance(known[name], timedelta)
                plain = isinstance(value, int | float) and not isinstance(value, bool)
                told = timedelta(seconds=float(str(value))) if is_duration and plain else value
                setattr(self.settings, name, told)

    def advance(self, by: timedelta) -> None:
        """Move the stand-in's clock on."""
        with self._world.lock:
            self._world.clock.advance(by)

    def expire_access_tokens(self) -> None:
        """Let all access tokens be over."""
        with self._world.lock:
            self._world.grants.expire_access_tokens()

    def expire_page_tokens(self) -> None:
        """Let all page tokens be too old."""
        with self._world.lock:
            self._world.pages.expire()

    def rotate_keys(self) -> None:
        """Sign with the next key from now on, and forget the oldest."""
        with self._world.lock:
            self._world.keys.rotate()

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

    def counters(self) -> Counters:
        """Return a copy of all that was counted."""
        with self._world.lock:
            return copy.deepcopy(self._world.counters)

    def reset_counters(self) -> None:
        """Count anew."""
        with self._world.lock:
            self._world.counters.reset()

    def _tell_of_changes(self, account: Account) -> None:
        account.mailbox.on_change = lambda record: self._pusher.changed(account, record)
