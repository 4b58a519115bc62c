"""A stand-in as a test holds it: what can be told to any of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from tests.fakes.common.app import Answering, App
from tests.fakes.common.consent import Consent
from tests.fakes.common.control import Control, Hand
from tests.fakes.common.counters import CommonCounters
from tests.fakes.common.faults import ON_THE_LINE, Fault
from tests.fakes.common.keeping import Keeper
from tests.fakes.common.people import Client, Named
from tests.fakes.common.server import Server
from tests.fakes.common.world import CommonWorld

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AnySettings = TypeVar("AnySettings", bound="DataclassInstance")
AnyAccount = TypeVar("AnyAccount", bound=Named)
AnyCounters = TypeVar("AnyCounters", bound=CommonCounters)
AnyPerson = TypeVar("AnyPerson", bound=Hand)


class StandIn(Generic[AnySettings, AnyAccount, AnyCounters, AnyPerson]):
    """A provider on loopback; its methods may be called from any thread."""

    name: str
    faulty: str
    """A pattern of the methods that faults strike when none is named."""
    too_many: str
    """The refusal of what comes too often."""

    def __init__(
        self,
        world: CommonWorld[AnySettings, AnyAccount, AnyCounters],
        answering: Answering,
        hand: Callable[[AnyAccount], AnyPerson],
        person: type[AnyPerson],
        refusals: Iterable[str],
        keeper: Keeper,
        port: int,
        certificate: Path | None,
        key: Path | None,
    ) -> None:
        self._common = world
        self._hand = hand
        self._refusals = frozenset(refusals) | ON_THE_LINE
        control = Control(self, person)
        app = App(world.lock, world.counters, answering, control.answer, keeper.settled)
        self._server = Server(app, port, self.name, certificate, key)
        world.url = self._server.url
        self._keeper = keeper
        keeper.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving."""
        self._server.close()
        self._keeper.close()

    def keep(self) -> None:
        """Write what must survive a restart, if there is a file for it."""
        self._keeper.save()

    @property
    def url(self) -> str:
        """Where all is served, without a slash at the end."""
        return self._common.url

    @property
    def settings(self) -> AnySettings:
        """What can be set; see also `configure`."""
        return self._common.settings

    def environment(self) -> dict[str, str]:
        """Return the settings that make Leadmail use this instead of the provider."""
        raise NotImplementedError

    def account(self, address: str) -> AnyPerson:
        """Return the hand on an account, by its address or lasting id."""
        with self._common.lock:
            account = self._common.accounts.find(address)
        assert account is not None, f"there is no account {address}"
        return self._hand(account)

    def accounts(self) -> list[str]:
        """Return the addresses of all accounts."""
        with self._common.lock:
            return [account.address for account in self._common.accounts]

    def allow_redirect(self, url: str) -> None:
        """Register a redirect URI of the client."""
        with self._common.lock:
            next(iter(self._common.clients.values())).redirect_uris.add(url)

    def add_client(self, client_id: str, secret: str, redirect_uris: list[str]) -> None:
        """Register another program."""
        with self._common.lock:
            self._common.clients[client_id] = Client(
                client_id, secret, "Another program", set(redirect_uris)
            )

    def consent_as(self, address: str | None = None, scope: str | None = None) -> None:
        """Let consent be given at once: by this account or the hinted one, for these scopes."""
        chosen = None if scope is None else self._expanded(scope)
        with self._common.lock:
            self._common.consent = Consent(address, chosen)

    def consent_denied(self) -> None:
        """Let consent be denied at once."""
        with self._common.lock:
            self._common.consent = Consent(is_denied=True)

    def consent_by_page(self) -> None:
        """Let a person answer on a page."""
        with self._common.lock:
            self._common.consent = None

    def fail_next(
        self,
        what: str,
        times: int = 1,
        method: str | None = None,
        address: str | None = None,
        retry_after: timedelta | None = None,
        skip: int = 0,
    ) -> None:
        """Let the next calls fail, after `skip` that go well.

        `what` is a refusal by its name or how the line breaks (`truncated`, `hanging`, `dropped`);
        `method` a pattern of method names, those of the API if it is not given. The calls of a
        batch count one by one.
        """
        assert what in self._refusals, f"{what} is none of {sorted(self._refusals)}"
        with self._common.lock:
            self._common.faults.add(
                Fault(what, times, method or self.faulty, address, retry_after, skip)
            )

    def throttle(
        self,
        times: int = 1,
        retry_after: timedelta = timedelta(seconds=1),
        what: str | None = None,
        method: str | None = None,
        address: str | None = None,
    ) -> None:
        """Let the next calls be refused as too many."""
        self.fail_next(what or self.too_many, times, method, address, retry_after)

    def delay(self, by: timedelta, method: str = "*") -> None:
        """Let calls take so long; zero undoes it."""
        with self._common.lock:
            self._common.faults.delay(method, by)

    def go_well(self) -> None:
        """Forget all faults and delays."""
        with self._common.lock:
            self._common.faults.clear()

    def configure(self, values: dict[str, object]) -> None:
        """Change settings by their names; durations are seconds."""
        known = {field.name: getattr(self.settings, field.name) for field in fields(self.settings)}
        with self._common.lock:
            for name, value in values.items():
                assert name in known, f"there is no setting {name}"
                is_duration = isinstance(known[name], timedelta)
                plain = isinstance(value, int | float) and not isinstance(value, bool)
                told = timedelta(seconds=float(str(value))) if is_duration and plain else value
                setattr(self.settings, name, told)

    def advance(self, by: timedelta) -> None:
        """Move the stand-in's clock on."""
        with self._common.lock:
            self._common.clock.advance(by)

    def rotate_keys(self) -> None:
        """Sign with the next key from now on, and forget the oldest."""
        with self._common.lock:
            self._common.keys.rotate()

    def counters(self) -> AnyCounters:
        """Return a copy of all that was counted."""
        with self._common.lock:
            return copy.deepcopy(self._common.counters)

    def reset_counters(self) -> None:
        """Count anew."""
        with self._common.lock:
            self._common.counters.reset()

    def _expanded(self, scope: str) -> frozenset[str]:
        """Return the scopes of a request by their full names."""
        raise NotImplementedError
