"""The whole house for a test: databases, Redis, mail server, a workspace, and its jobs."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import text

from mail.address import Address, Domain
from models.base import AnyRow
from models.store import Store
from privacy.contents import Grant, MailboxCard
from privacy.order import Instruction
from tests.comparison import Comparison, LeadNames, Upstream, compare, stored, upstream
from tests.databases import Databases
from tests.letters import letter
from tests.processes import Processes
from tests.servers.dovecot import Dovecot
from tests.servers.hands import PASSWORD
from worker import jobs
from worker.boot import Service
from worker.embedded import RedisServer
from worker.joining import Joining
from worker.leads import Leads
from worker.mailboxes import MailboxChange, Mailboxes, MailboxShown
from worker.reading import Reading
from worker.rules import Rules
from worker.settings import Settings
from worker.shown import ConversationShown, LeadGiven, LeadShown, MessageShown
from worker.workspaces import create_workspace

WHO = Instruction("the test", "ref-1")
ALL = 10_000
_numbers = count(1)


@dataclass(slots=True)
class Bell:
    """A doorbell whose rings wait in a list until the test runs them, in order."""

    waiting: deque[tuple[str, int]] = field(default_factory=deque)

    def sync(self, mailbox_ids: Collection[int]) -> None:
        """Ring for mailboxes."""
        self.waiting += [("sync", id_) for id_ in mailbox_ids]

    def fetch(self, mailbox_id: int) -> None:
        """Ring for mail that waits."""
        if ("import", mailbox_id) not in self.waiting:
            self.waiting.append(("import", mailbox_id))

    def purge(self, erasure_id: int) -> None:
        """Ring for an order to erase."""
        self.waiting.append(("purge", erasure_id))

    def has_waiting(self, queue: str) -> bool:
        """Tell whether others wait."""
        return any(kind == queue for kind, _ in self.waiting)


class House:
    """A workspace on real servers; `run_jobs` does in this process what the workers do."""

    def __init__(
        self,
        databases: Databases,
        redis: RedisServer,
        dovecot: Dovecot,
        environment: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        self.dovecot = dovecot
        self.environment = {
            "DATABASE_URL": databases.url,
            "VAULT_DATABASE_URL": databases.vault_url,
            "REDIS_URL": redis.url,
            "LEADMAIL_MASTER_KEYS": urlsafe_b64encode(os.urandom(32)).decode(),
            "LEADMAIL_ALLOW_HOSTS": "127.0.0.1",
            "LEADMAIL_CA_FILE": dovecot.ca_file,
            **(environment or {}),
        }
        self.service = self.build(**settings)
        self.bell = Bell()
        self.service.__dict__["doorbell"] = self.bell
        self.workspace, key = create_workspace(self.service, "The firm")
        self.api_key = key.secret
        self.leads: dict[str, LeadNames] = {}
        self.users: dict[int, str] = {}

    def build(self, **settings: Any) -> Service:
        """Return a service of its own over the same servers."""
        base = Settings.model_validate(self.environment | {"data": "/nonexistent"})
        return Service(base.model_copy(update=settings))

    @property
    def store(self) -> Store:
        """The data database."""
        return self.service.store

    def close(self) -> None:
        """Close what is open."""
        self.service.close()

    # What people do

    def user(self, *folders: str, password: str = PASSWORD) -> str:
        """Give somebody of the firm a mailbox on the mail server; return the address."""
        name = f"u{next(_numbers)}@firm.test"
        self.dovecot.user(name, password)
        with self.dovecot.client(name, password):
            pass
        if folders:
            self.dovecot.create(name, *folders)
        return name

    def connect(
        self,
        user: str,
        *,
        since: datetime | None = None,
        folders: tuple[str, ...] | None = None,
        port: int | None = None,
        runs: bool = True,
        proves: bool = True,
    ) -> int:
        """Connect a user's mailbox, in clear through `port` if that is given; sync it.

        Without `proves` nobody logs in before it is kept.
        """
        card = MailboxCard(
            user=user.partition("@")[0],
            address=Address(user),
            host="127.0.0.1",
            port=port or self.dovecot.tls_port,
            security="plain" if port else "tls",
            username=user,
            folders=folders,
        )
        grant = Grant("password", PASSWORD)
        joining = Joining(self.service, self.workspace, "test")
        keep = joining.connect if proves else joining.keep
        joined = keep("imap", card, grant, since, keeps_since=False)
        self.users[joined.id] = user
        if runs:
            self.run_jobs()
        return joined.id

    def put_lead(
        self,
        lead: str,
        *addresses: str,
        domains: Sequence[str] = (),
        runs: bool = True,
    ) -> LeadShown:
        """Create or replace a lead; its history is searched for."""
        given = LeadGiven(
            lead, lead.title(), tuple(map(Address, addresses)), tuple(map(Domain, domains))
        )
        shown = Leads(self.service, self.workspace, "test").put([given])[0]
        self.leads[lead] = LeadNames(frozenset(addresses), frozenset(domains))
        if runs:
            self.run_jobs()
        return shown

    def erase_lead(self, lead: str) -> None:
        """Delete a lead."""
        Leads(self.service, self.workspace, "test").erase(lead, WHO)
        del self.leads[lead]

    def change(self, mailbox: int, **values: Any) -> MailboxShown:
        """Change a mailbox, as PATCH does."""
        change = MailboxChange(sets=frozenset(values), **values)
        return self.mailboxes.change(str(mailbox), change)

    def disconnect(self, mailbox: int) -> int:
        """Disconnect a mailbox; return the erasure."""
        del self.users[mailbox]
        return self.mailboxes.disconnect(str(mailbox), WHO)

    def set_policy(self, *, runs: bool = True, **terms: Any) -> None:
        """Change what the workspace decided: blocked, own, the cap, whether removals count."""
        rules = Rules(self.service, self.workspace, "test")
        rules.put(replace(rules.show(), **terms))
        if runs:
            self.run_jobs()

    def deliver(self, user: str, *mails: bytes, folder: str = "INBOX", at: Any = None) -> None:
        """Let mails arrive."""
        if folder != "INBOX":
            with self.dovecot.client(user) as client:
                # Dovecot makes folders of its own when they are first opened.
                client.select_folder(folder, readonly=True)
        self.dovecot.deliver(user, mails, folder, at)

    def write(self, user: str, message_id: str, lead: str, **more: Any) -> bytes:
        """Let a mail from a lead's address arrive; return it."""
        folder, at = more.pop("folder", "INBOX"), more.pop("received", None)
        mail = letter(message_id, lead, user, **more)
        self.deliver(user, mail, folder=folder, at=at)
        return mail

    # What workers do

    def run_jobs(self, most: int = 2000) -> None:
        """Run what was rung for, and what that rings for, until nothing is left."""
        for _ in range(most):
            if not self.bell.waiting:
                return
            self.run_one()
        raise AssertionError(f"jobs ring for each other without end: {self.bell.waiting}")

    def run_one(self) -> None:
        """Run the job that was rung for first."""
        kind, id_ = self.bell.waiting.popleft()
        run = {"sync": jobs.sync_mailbox, "import": jobs.import_mail, "purge": jobs.erase}
        run[kind](self.service, id_)

    def sync(self, *mailboxes: int) -> None:
        """Sync mailboxes now, or all that there are."""
        for mailbox in mailboxes or tuple(self.users):
            self.mailboxes.sync(str(mailbox))
        self.run_jobs()

    # What can be seen

    @property
    def mailboxes(self) -> Mailboxes:
        """The mailboxes as the API has them."""
        return Mailboxes(self.service, self.workspace, "test")

    @property
    def reading(self) -> Reading:
        """The mail as the API has it."""
        return Reading(self.service, self.workspace)

    def show(self, mailbox: int) -> MailboxShown:
        """Return a mailbox as the API shows it."""
        return self.mailboxes.show(str(mailbox))

    def state(self, mailbox: int) -> tuple[str, str | None]:
        """Return a mailbox's state and problem."""
        shown = self.show(mailbox)
        return str(shown.state), shown.problem

    def conversations(self, lead: str) -> tuple[ConversationShown, ...]:
        """Return a lead's conversations."""
        return self.reading.conversations(lead, None, ALL).items

    def messages(self, lead: str) -> list[MessageShown]:
        """Return all messages in a lead's conversations that are the lead's own."""
        return [
            message
            for conversation in self.conversations(lead)
            for message in self.reading.messages(str(conversation.id), None, ALL).items
            if lead in message.leads
        ]

    def ids(self, lead: str) -> list[str]:
        """Return the sorted Message-IDs of a lead's messages."""
        return sorted(message.head.message_id for message in self.messages(lead))

    def rows(self, query: str, **values: Any) -> list[AnyRow]:
        """Ask the data database, within the workspace."""
        with self.store.workspace(self.workspace) as connection:
            return list(connection.execute(text(query), values))

    def rows_changed(self, statement: str) -> int:
        """Change rows of the data database behind everybody's back; return how many."""
        with self.store.workspace(self.workspace) as connection:
            return connection.execute(text(statement)).rowcount

    def count(self, table: str, where: str = "true") -> int:
        """Count rows."""
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def upstream(self) -> dict[int, list[Upstream]]:
        """Return what the mail server holds of each connected mailbox."""
        found = {}
        for mailbox, user in self.users.items():
            with self.dovecot.client(user) as client:
                found[mailbox] = upstream(client)
        return found

    def compare(self) -> Comparison:
        """Compare the store with what the mail server really holds; it should be `EQUAL`."""
        return compare(
            self.upstream(),
            self.leads,
            stored(self.store, self.service.vault, self.workspace),
            {lead: {message.id for message in self.messages(lead)} for lead in self.leads},
        )

    @contextmanager
    def processes(self, directory: Any, **environment: str) -> Iterator[Processes]:
        """Start the real workers, watcher and clock on this house."""
        with Processes(directory, self.environment | environment) as running:
            yield running
