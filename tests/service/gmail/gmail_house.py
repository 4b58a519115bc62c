"""A house whose people have their mail at Google: a stand-in on loopback, read by the product."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import count
from typing import Any

from connectors.gmail.history import HIDDEN
from tests.comparison import Upstream
from tests.databases import Databases
from tests.fakes.google import Google, Person
from tests.letters import letter
from tests.servers.dovecot import Dovecot
from tests.service.cloud_house import CloudHouse
from worker.embedded import RedisServer

PLENTY = 10_000_000
"""Units a minute, for tests that aren't about them."""
_numbers = count(1)


class GmailHouse(CloudHouse[Person]):
    """A workspace whose mailboxes are at Google."""

    provider = "gmail"
    expiries = ("history",)
    refusals = ("backendError", "dropped", "insufficientPermissions")

    def __init__(
        self,
        databases: Databases,
        redis: RedisServer,
        dovecot: Dovecot,
        google: Google,
        **settings: Any,
    ) -> None:
        self.google = google
        google.set_quota(units_per_minute=PLENTY)
        environment = google.environment() | {
            "GMAIL_UNITS_PER_MINUTE": str(PLENTY),
            "GMAIL_PUSH_SERVICE_ACCOUNT": "",
        }
        super().__init__(databases, redis, dovecot, environment, **settings)

    def person(self) -> Person:
        """Give somebody of the firm an account."""
        return self.google.add_account(f"g{next(_numbers)}@firm.test")

    def connect_gmail(self, person: Person, **more: Any) -> int:
        """Keep the mailbox of somebody who has just agreed; sync it."""
        return self.join(person, **more)

    @property
    def stand_in(self) -> Google:
        """Google."""
        return self.google

    def put(self, person: Person, raw: bytes, at: datetime | None = None) -> str:
        """Let a mail arrive in an inbox; return Gmail's id of it."""
        return person.deliver(raw, ["INBOX"], at)

    def junk(self, person: Person, id_: str) -> None:
        """Call a mail junk."""
        person.label(id_, ["SPAM"])

    def restore(self, person: Person, id_: str) -> None:
        """Put a mail back where it was before it was trash or junk."""
        person.untrash(id_)
        person.unlabel(id_, ["SPAM"])

    def expire(self, person: Person, how: str) -> None:
        """Let the history begin anew."""
        person.expire_history()

    def fetched(self, person: Person) -> list[str]:
        """Return the ids of the mails that were asked for, in order."""
        return [asked.id for asked in person.counters().messages]

    def is_watched(self, person: Person) -> bool:
        """Tell whether Gmail pushes for a mailbox."""
        return person.is_watched()

    def arrive(self, person: Person, message_id: str, sender: str, **more: Any) -> str:
        """Let a mail arrive; return Gmail's id of it."""
        labels: Iterable[str] = more.pop("labels", ("INBOX",))
        return person.deliver(letter(message_id, sender, person.address, **more), labels)

    def upstream(self) -> dict[int, list[Upstream]]:
        """Return what Google holds of each connected mailbox, but drafts, trash and junk."""
        return {
            mailbox: [
                Upstream(person.raw(id_))
                for id_, labels in person.messages().items()
                if not HIDDEN & set(labels)
            ]
            for mailbox, person in self.people.items()
        }
