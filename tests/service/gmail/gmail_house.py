"""A house whose people have their mail at Google: a stand-in on loopback, read by the product."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from connectors.gmail.history import HIDDEN
from mail.address import Address
from privacy.contents import Grant, MailboxCard
from tests.comparison import Upstream
from tests.databases import Databases
from tests.fakes.google import Google, Person
from tests.house import House
from tests.letters import letter
from tests.servers.dovecot import Dovecot
from worker import clock
from worker.embedded import RedisServer
from worker.joining import Joining

PLENTY = 10_000_000
"""Units a minute, for tests that aren't about them."""
_numbers = count(1)


class GmailHouse(House):
    """A workspace whose mailboxes are at Google."""

    def __init__(
        self,
        databases: Databases,
        redis: RedisServer,
        dovecot: Dovecot,
        google: Google,
        **settings: Any,
    ) -> None:
        self.google = google
        self.people: dict[int, Person] = {}
        google.set_quota(units_per_minute=PLENTY)
        environment = google.environment() | {
            "GMAIL_UNITS_PER_MINUTE": str(PLENTY),
            "GMAIL_PUSH_SERVICE_ACCOUNT": "",
        }
        super().__init__(databases, redis, dovecot, environment=environment, **settings)

    def person(self) -> Person:
        """Give somebody of the firm an account."""
        return self.google.add_account(f"g{next(_numbers)}@firm.test")

    def connect_gmail(
        self,
        person: Person,
        *,
        since: datetime | None = None,
        folders: tuple[str, ...] | None = None,
        runs: bool = True,
    ) -> int:
        """Keep the mailbox of somebody who has just agreed; sync it."""
        tokens = person.grant()
        now = datetime.now(UTC)
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
            provider="gmail",
            access_token=tokens["access_token"],
            expires_at=now + timedelta(hours=1),
            subject=person.sub,
            granted_at=now,
            renewed_at=now,
        )
        joining = Joining(self.service, self.workspace, "test")
        joined = joining.connect("gmail", card, grant, since, keeps_since=False)
        self.people[joined.id] = person
        self.users[joined.id] = person.address
        if runs:
            self.run_jobs()
        return joined.id

    def disconnect(self, mailbox: int) -> int:
        """Disconnect a mailbox; return the erasure."""
        del self.people[mailbox]
        return super().disconnect(mailbox)

    def arrive(self, person: Person, message_id: str, sender: str, **more: Any) -> str:
        """Let a mail arrive; return Gmail's id of it."""
        labels: Iterable[str] = more.pop("labels", ("INBOX",))
        return person.deliver(letter(message_id, sender, person.address, **more), labels)

    def let_time_pass(self) -> None:
        """Let the clock tick when everything that was put off is due."""
        self.rows_changed("UPDATE mailbox SET due_at = now(), paced_until = NULL")
        self.rows_changed("UPDATE pending SET retry_at = now()")
        # What was rung, and what was spent.
        for key in self.service.redis.scan_iter("leadmail:mailbox:*"):
            self.service.redis.delete(key)
        clock.tick(self.service)

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
