"""What people do to their mailboxes and leads, at random, while something is killed.

Afterwards the store equals the mailboxes, and of disconnected ones nothing is left.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from sqlalchemy import text

from privacy import certificate
from tests.comparison import EQUAL
from tests.house import House
from tests.letters import letter

LEADS = {name: f"{name}@customer.test" for name in ("anna", "ben", "cleo", "dora")}
OF_A_MAILBOX = (
    "mail mail_raw participant reference attachment place pending folder lease mailbox_grant"
).split()


@dataclass(slots=True)
class Life:
    """What people do to mailboxes and leads, at random, and what of it is over."""

    house: House
    threads: dict[str, list[str]] = field(default_factory=dict)
    gone: list[int] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)

    def begin(self, mailboxes: int) -> None:
        """Make leads and mailboxes with some mail in them."""
        for lead, address in LEADS.items():
            self.house.put_lead(lead, address, runs=False)
        for _ in range(mailboxes):
            self.connect()

    def connect(self) -> None:
        """Connect a mailbox with some mail in it."""
        user = self.house.user("Deals")
        for _ in range(10):
            self.deliver(user)
        self.house.connect(user, port=self.house.dovecot.port, runs=False)

    def deliver(self, user: str) -> None:
        """Let a mail arrive: of a lead or a stranger, in a new thread or an old one."""
        if random.random() < 0.5 or not self.threads:
            thread = f"t{len(self.threads)}"
            self.threads[thread] = []
        else:
            thread = random.choice(list(self.threads))
        held = self.threads[thread]
        # Each thread is one person's, for good.
        people = [*LEADS.values(), "stranger@elsewhere.test"]
        sender = people[int(thread[1:]) % len(people)]
        message_id = f"{thread}.{len(held)}.x"
        mail = letter(message_id, sender, user, answers=held[:1] + held[-1:])
        self.house.deliver(user, mail, folder=random.choice(["INBOX", "INBOX", "Deals"]))
        held.append(message_id)

    def go_on(self) -> None:
        """Let one thing happen, and ring as the watcher would."""
        mailbox, user = random.choice(list(self.house.users.items()))
        dice = random.random()
        if dice < 0.55:
            self.deliver(user)
        elif dice < 0.70:
            self.move(user)
        elif dice < 0.80:
            self.delete(user)
        elif dice < 0.92:
            self.change_leads()
        else:
            self.disconnect(mailbox)
            self.connect()
        for one in self.house.users:
            self.house.mailboxes.sync(str(one))
        self.house.bell.waiting.clear()

    def disconnect(self, mailbox: int) -> None:
        """Disconnect a mailbox."""
        self.orders.append(self.house.disconnect(mailbox))
        self.gone.append(mailbox)

    def move(self, user: str) -> None:
        """Move some mails to the other folder."""
        source, target = random.sample(["INBOX", "Deals"], 2)
        with self.house.dovecot.client(user) as client:
            client.select_folder(source)
            uids = client.search()
            if uids:
                client.move(random.sample(uids, min(3, len(uids))), target)

    def delete(self, user: str) -> None:
        """Delete a mail."""
        with self.house.dovecot.client(user) as client:
            client.select_folder("INBOX")
            uids = client.search()
            if len(uids) > 5:
                client.delete_messages(random.sample(uids, 1))
                client.expunge()

    def change_leads(self) -> None:
        """Let a lead go or come, or take its address away."""
        lead = random.choice(list(LEADS))
        if lead not in self.house.leads:
            self.house.put_lead(lead, LEADS[lead], runs=False)
        elif random.random() < 0.5:
            self.house.erase_lead(lead)
        else:
            self.house.put_lead(lead, f"{lead}@nowhere.test", runs=False)

    def calm(self) -> None:
        """End with all leads there, everything rung for, and what was parked tried again."""
        for lead, address in LEADS.items():
            self.house.put_lead(lead, address, runs=False)
        for mailbox in self.house.users:
            self.house.mailboxes.retry_parked(str(mailbox))
            self.house.mailboxes.sync(str(mailbox))
        self.house.bell.waiting.clear()

    def is_settled(self) -> bool:
        """Tell whether the store equals the mailboxes and nothing is left of the gone ones."""
        return EQUAL == self.house.compare() and not self.residue() and not self.open_erasures()

    def residue(self) -> int:
        """Count what is left of disconnected mailboxes, in rows and keys."""
        left = sum(
            self.house.count(table, f"mailbox_id IN ({self.gone_list()})") for table in OF_A_MAILBOX
        )
        left += self.house.count("mailbox", f"id IN ({self.gone_list()})")
        with self.house.service.vault_store.workspace(self.house.workspace) as vault:
            for table in ("mailbox_key", "message_key"):
                query = f"SELECT count(*) FROM {table} WHERE mailbox_id IN ({self.gone_list()})"
                left += vault.execute(text(query)).scalar_one()
        return left

    def unproven(self) -> int:
        """Count ordered disconnections without a valid certificate that nothing is left."""
        with self.house.service.vault_store.workspace(self.house.workspace) as ledger:
            query = text("SELECT certificate FROM erasure WHERE id = ANY(:ids)")
            issued = list(ledger.scalars(query, {"ids": self.orders}))
        public = self.house.service.signer.public
        bodies = [certificate.verify(one, public) for one in issued if one is not None]
        proven = [one for one in bodies if one is not None and not any(one["residue"].values())]
        return len(self.orders) - len(proven)

    def gone_list(self) -> str:
        """Return the ids of disconnected mailboxes, for a query."""
        return ", ".join(map(str, self.gone)) or "0"

    def open_erasures(self) -> int:
        """Count orders to erase that have no certificate yet."""
        with self.house.service.vault_store.workspace(self.house.workspace) as ledger:
            query = text("SELECT count(*) FROM erasure WHERE verified_at IS NULL")
            return int(ledger.execute(query).scalar_one())
