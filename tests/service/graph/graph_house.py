"""A house whose people have their mail at Microsoft: a stand-in on loopback, really read."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from connectors.oauth.microsoft.provider import SIGN_IN
from connectors.oauth.microsoft.ways import GRAPH
from tests.comparison import Upstream
from tests.databases import Databases
from tests.fakes.microsoft import Microsoft, Person
from tests.letters import letter
from tests.servers.dovecot import Dovecot
from tests.service.cloud_house import CloudHouse
from worker.embedded import RedisServer

PLENTY = 10_000_000
"""Requests in ten minutes, for tests that aren't about them."""
HIDDEN = frozenset({"Drafts", "Deleted Items", "Junk Email", "Outbox"})
_numbers = count(1)


class GraphHouse(CloudHouse[Person]):
    """A workspace whose mailboxes are at Microsoft."""

    provider = "graph"
    expiries = ("gone", "syncStateNotFound", "resyncRequired")
    refusals = ("ErrorInternalServerError", "dropped", "ErrorAccessDenied")

    def __init__(
        self,
        databases: Databases,
        redis: RedisServer,
        dovecot: Dovecot,
        microsoft: Microsoft,
        **settings: Any,
    ) -> None:
        self.microsoft = microsoft
        microsoft.set_limits(requests=PLENTY)
        environment = microsoft.environment() | {"GRAPH_REQUESTS_PER_TEN_MINUTES": str(PLENTY)}
        super().__init__(databases, redis, dovecot, environment, **settings)

    def person(self) -> Person:
        """Give somebody of the firm an account."""
        return self.microsoft.add_account(f"m{next(_numbers)}@firm.test")

    @property
    def stand_in(self) -> Microsoft:
        """Microsoft."""
        return self.microsoft

    def agree(self, person: Person) -> dict[str, str]:
        """Let somebody agree to what is asked of them; return the tokens."""
        return person.grant(" ".join([*GRAPH.scopes, *SIGN_IN]))

    def put(self, person: Person, raw: bytes, at: datetime | None = None) -> str:
        """Let a mail arrive in an inbox; return Graph's lasting id of it."""
        return person.deliver(raw, "inbox", at)

    def junk(self, person: Person, id_: str) -> None:
        """Call a mail junk."""
        person.move(id_, "junkemail")

    def restore(self, person: Person, id_: str) -> None:
        """Put a mail back where it was before it was trash or junk."""
        person.move(id_, "inbox")

    def expire(self, person: Person, how: str) -> None:
        """Let the links of the inbox be no good any more."""
        person.expire_links("inbox", how)

    def fetched(self, person: Person) -> list[str]:
        """Return the ids of the mails whose MIME was asked for, in order."""
        return list(person.counters().contents)

    def is_watched(self, person: Person) -> bool:
        """Tell whether Graph notifies of a mailbox."""
        return bool(person.subscriptions())

    def arrive(self, person: Person, message_id: str, sender: str, **more: Any) -> str:
        """Let a mail arrive; return Graph's lasting id of it."""
        folder: str = more.pop("folder", "inbox")
        received: datetime | None = more.pop("received", None)
        mail = letter(message_id, sender, person.address, **more)
        return person.deliver(mail, folder, received)

    def upstream(self) -> dict[int, list[Upstream]]:
        """Return what Microsoft holds of each connected mailbox, but drafts, trash and junk."""
        return {
            mailbox: [
                Upstream(person.raw(id_))
                for id_, path in person.messages().items()
                if path.partition("/")[0] not in HIDDEN
            ]
            for mailbox, person in self.people.items()
        }
