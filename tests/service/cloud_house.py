"""A house whose people have their mail at a provider with an API, by a stand-in on loopback."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import orjson
import pytest

from mail.address import Address
from models.queries import erasures
from privacy.contents import Grant, MailboxCard
from tests.databases import Databases
from tests.fakes.common.stand_in import StandIn
from tests.house import House
from tests.letters import letter
from tests.servers.dovecot import Dovecot
from worker import clock
from worker.embedded import RedisServer
from worker.joining import Joining


class CloudPerson(Protocol):
    """Somebody with an account at a stand-in, and what they do with it."""

    @property
    def address(self) -> str:
        """Their mailbox's address."""
        ...

    @property
    def sub(self) -> str:
        """The provider's name for them."""
        ...

    def load(self, *, mails: Iterable[bytes]) -> list[str]:
        """Hold mails as if they had come long ago; return their ids."""
        ...

    def grant(self) -> Mapping[str, Any]:
        """Agree; return the tokens."""
        ...


ANNA = "anna@customer.test"


class Killed(BaseException):
    """The process dies here."""


def die(*_: Any) -> None:
    """Die with a batch in hand that was fetched."""
    raise Killed


P = TypeVar("P", bound=CloudPerson)


class CloudHouse(House, Generic[P]):
    """A workspace whose mailboxes are at one provider."""

    provider: str
    expiries: Sequence[str]
    """The ways in which a cursor can be no good any more."""
    refusals: Sequence[str]
    """Three ways in which the provider refuses: broken, broken off, and not allowed."""

    @property
    def stand_in(self) -> StandIn[Any, Any, Any, Any]:
        """The provider."""
        raise NotImplementedError

    def person(self) -> P:
        """Give somebody of the firm an account."""
        raise NotImplementedError

    def agree(self, person: P) -> Mapping[str, Any]:
        """Let somebody agree to what is asked of them; return the tokens."""
        return person.grant()

    def put(self, person: P, raw: bytes, at: datetime | None = None) -> str:
        """Let a mail arrive in an inbox; return the provider's id of it."""
        raise NotImplementedError

    def junk(self, person: P, id_: str) -> None:
        """Call a mail junk."""
        raise NotImplementedError

    def restore(self, person: P, id_: str) -> None:
        """Put a mail back where it was before it was trash or junk."""
        raise NotImplementedError

    def expire(self, person: P, how: str) -> None:
        """Let the cursors of a mailbox be no good any more."""
        raise NotImplementedError

    def fetched(self, person: P) -> list[str]:
        """Return the ids of the mails whose content was asked for, in order."""
        raise NotImplementedError

    def arrive(self, person: P, message_id: str, sender: str, **more: Any) -> str:
        """Write a mail and let it arrive; return the provider's id of it."""
        return self.put(person, letter(message_id, sender, person.address, **more))

    def is_watched(self, person: P) -> bool:
        """Tell whether the provider rings for a mailbox."""
        raise NotImplementedError

    def __init__(
        self,
        databases: Databases,
        redis: RedisServer,
        dovecot: Dovecot,
        environment: Mapping[str, str],
        **settings: Any,
    ) -> None:
        self.people: dict[int, P] = {}
        super().__init__(databases, redis, dovecot, environment=environment, **settings)

    def join(
        self,
        person: P,
        *,
        since: datetime | None = None,
        folders: tuple[str, ...] | None = None,
        runs: bool = True,
    ) -> int:
        """Keep the mailbox of somebody who has just agreed; sync it."""
        now, tokens = datetime.now(UTC), self.agree(person)
        card = MailboxCard(
            user=person.address.partition("@")[0],
            address=Address(person.address),
            host="",
            port=0,
            security="",
            username=person.address,
            folders=folders,
        )
        grant = Grant(
            kind="oauth",
            secret=tokens["refresh_token"],
            provider=self.provider,
            access_token=tokens["access_token"],
            expires_at=now + timedelta(hours=1),
            subject=person.sub,
            granted_at=now,
            renewed_at=now,
        )
        joining = Joining(self.service, self.workspace, "test")
        joined = joining.connect(self.provider, card, grant, since, keeps_since=False)
        self.people[joined.id] = person
        self.users[joined.id] = person.address
        if runs:
            self.run_jobs()
        return joined.id

    def disconnect(self, mailbox: int) -> int:
        """Disconnect a mailbox; return the erasure."""
        del self.people[mailbox]
        return super().disconnect(mailbox)

    def certificate(self, order: int) -> dict[str, Any]:
        """Return what an erasure's certificate says."""
        with self.service.vault_store.workspace(self.workspace) as ledger:
            row = erasures.find(ledger, order)
        assert row is not None
        assert row.certificate is not None
        found: dict[str, Any] = orjson.loads(row.certificate)["certificate"]
        return found

    def let_time_pass(self) -> None:
        """Let the clock tick when everything that was put off is due."""
        self.rows_changed("UPDATE mailbox SET due_at = now(), paced_until = NULL")
        self.rows_changed("UPDATE pending SET retry_at = now()")
        # What was rung, and what was spent.
        for key in self.service.redis.scan_iter("leadmail:mailbox:*"):
            self.service.redis.delete(key)
        clock.tick(self.service)

    def kill_one(self) -> None:
        """Run jobs until one dies with a batch in hand; let its leases end."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.service.vault, "make_message_keys", die)
            with pytest.raises(Killed):
                self.run_until_killed()
        self.rows_changed("UPDATE lease SET until = now()")
        self.let_time_pass()

    def run_until_killed(self) -> None:
        """Run jobs, and let the time pass between them."""
        for _ in range(100):
            if not self.bell.waiting:
                self.let_time_pass()
            self.run_one()
