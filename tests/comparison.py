"""Whether the store equals the mailboxes: what must be there is worked out without our code.

The mails are read from the mail server by another client, parsed by the standard library and
matched by hand; what is stored is opened with the vault's keys.
"""

from __future__ import annotations

import email
import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from email.utils import getaddresses

from imapclient import IMAPClient
from sqlalchemy import text

from models.store import Store
from privacy.contents import OfMail, open_raw
from privacy.vault import Vault
from worker.names import message_id

PARTIES = ("from", "sender", "to", "cc", "bcc", "reply-to")
LEFT_OUT = {b"\\drafts", b"\\trash", b"\\junk"}


@dataclass(frozen=True, slots=True)
class LeadNames:
    """What the CRM said a lead is known by, in lower case."""

    addresses: frozenset[str]
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Upstream:
    """A mail as the mail server has it."""

    raw: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """What tells it from every other mail."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def thread(self) -> str:
        """The thread that its writer meant: what its Message-ID says before the first dot."""
        return (email.message_from_bytes(self.raw)["message-id"] or "").strip("<>").split(".")[0]

    def leads(self, leads: Mapping[str, LeadNames]) -> frozenset[str]:
        """Return the leads that it concerns."""
        parsed = email.message_from_bytes(self.raw)
        named = {
            address.lower()
            for header in PARTIES
            for _, address in getaddresses(parsed.get_all(header, []))
        }
        domains = {address.rpartition("@")[2] for address in named}
        return frozenset(
            id_ for id_, one in leads.items() if named & one.addresses or domains & one.domains
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """A copy of a mail as it comes out of the store."""

    mailbox: int
    digest: str
    conversation: int
    message: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many mails are missing, stored again, in the wrong place, or stored without right."""

    lost: int
    twice: int
    misfiled: int
    uncalled: int


EQUAL = Comparison(lost=0, twice=0, misfiled=0, uncalled=0)


def upstream(client: IMAPClient) -> list[Upstream]:
    """Read all mails of all folders but drafts, trash and junk."""
    found = []
    for flags, _, name in client.list_folders():
        if LEFT_OUT & {flag.lower() for flag in flags} or b"\\Noselect" in flags:
            continue
        client.select_folder(name, readonly=True)
        uids = client.search()
        for begin in range(0, len(uids), 500):
            answers = client.fetch(uids[begin : begin + 500], ["BODY.PEEK[]"])
            found += [Upstream(answer[b"BODY[]"]) for answer in answers.values()]
    return found


def stored(store: Store, vault: Vault, workspace_id: int) -> list[Stored]:
    """Open every stored copy whose key is still there."""
    with store.workspace(workspace_id) as connection:
        rows = connection.execute(
            text("SELECT id, mailbox_id, generation, conversation_id, twin FROM mail")
        ).all()
        sealed: dict[int, list[bytes]] = {}
        for id_, piece in connection.execute(
            text("SELECT mail_id, sealed FROM mail_raw ORDER BY mail_id, chunk")
        ):
            sealed.setdefault(id_, []).append(piece)
    keys = vault.message_keys(workspace_id, [row.id for row in rows])
    found = []
    for row in rows:
        if row.id in keys:
            of = OfMail(workspace_id, row.id, row.generation)
            pieces = enumerate(sealed.get(row.id, []))
            raw = b"".join(open_raw(keys[row.id], of, n, piece) for n, piece in pieces)
            digest = hashlib.sha256(raw).hexdigest()
            found.append(Stored(row.mailbox_id, digest, row.conversation_id, message_id(row.twin)))
    return found


def compare(
    theirs: Mapping[int, Collection[Upstream]],
    leads: Mapping[str, LeadNames],
    ours: Collection[Stored],
    shown: Mapping[str, Collection[str]],
) -> Comparison:
    """Compare mailboxes with what is stored of them; `shown` are the messages of each lead.

    Misfiled is a mail that another lead shows, or that its own doesn't; and a conversation
    that holds two threads, or a lead's thread that lies in two.
    """
    wanted = {
        (mailbox, mail.digest): mail
        for mailbox, mails in theirs.items()
        for mail in mails
        if mail.leads(leads)
    }
    places = Counter((mailbox, mail.digest) for mailbox, mails in theirs.items() for mail in mails)
    held = Counter((one.mailbox, one.digest) for one in ours)
    right = {
        (lead, one.message)
        for one in ours
        if (mail := wanted.get((one.mailbox, one.digest))) is not None
        for lead in mail.leads(leads)
    }
    seen = {(lead, message) for lead, messages in shown.items() for message in messages}
    conversations: dict[int, set[str]] = {}
    threads: dict[tuple[str, str], set[int]] = {}
    for one in ours:
        mail = wanted.get((one.mailbox, one.digest))
        if mail is not None and mail.thread:
            conversations.setdefault(one.conversation, set()).add(mail.thread)
            for lead in mail.leads(leads):
                threads.setdefault((lead, mail.thread), set()).add(one.conversation)
    mixed = sum(len(inside) > 1 for inside in conversations.values())
    torn = sum(len(inside) > 1 for inside in threads.values())
    return Comparison(
        lost=len(wanted.keys() - held.keys()),
        twice=sum(max(0, count - places[key]) for key, count in held.items() if key in wanted),
        misfiled=len(right ^ seen) + mixed + torn,
        uncalled=sum(count for key, count in held.items() if key not in wanted),
    )
