"""A workspace with mailboxes, leads and mails, sealed and stored as the importer does it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert, text

from mail.address import Address, Participant, domain_of
from models.base import AnyRow
from models.mailbox import Folder, Mailbox, MailboxGrant
from models.queries import (
    erasures,
    folders,
    leads,
    mailboxes,
    policies,
    storing,
    threads,
    workspaces,
)
from models.queries.storing import NewAttachment, NewMail
from models.store import Store
from privacy import contents
from privacy.order import Instruction, Orders
from privacy.purge import Purge
from privacy.signer import Signer
from privacy.vault import Key, MasterKeys, Vault
from privacy.verifier import Verifier
from tests.databases import Databases

ORDERED = Instruction("Dana Admin", "ticket 7")
MONDAY = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class World:
    """Both databases and what keeps the promises on them."""

    store: Store
    vault: Vault

    @classmethod
    def at(cls, databases: Databases, masters: MasterKeys | None = None) -> World:
        """Return the world on a pair of databases."""
        vault = Vault(Store.at(databases.vault_url), masters or MasterKeys([Key.fresh()]))
        return cls(Store.at(databases.url), vault)

    @property
    def orders(self) -> Orders:
        return Orders(self.store, self.vault)

    @property
    def signer(self) -> Signer:
        return Signer.of(self.vault.store, self.vault.masters)

    def verifier(self, patience: timedelta = timedelta(seconds=1)) -> Verifier:
        return Verifier(self.store, self.vault.store, lambda _order: {}, patience)

    def purge(self, patience: timedelta = timedelta(seconds=1)) -> Purge:
        """Return a purge whose provider ends every grant at once."""
        return Purge(
            self.store,
            self.vault,
            self.verifier(patience),
            self.signer,
            lambda _workspace, _mailbox: {"ended": ["grant"]},
            lambda _order: None,
        )

    def workspace(self, name: str = "A firm") -> Workspace:
        """Make a workspace."""
        with self.store.system() as connection:
            id_ = workspaces.draw_id(connection)
        self.vault.make_workspace_key(id_)
        sealed = contents.seal_workspace_name(self.vault.workspace(id_).sealing, id_, name)
        with self.store.system() as connection:
            workspaces.add(connection, id_, sealed)
        return Workspace(self, id_)

    def order(self, order_id: int, workspace_id: int) -> AnyRow:
        """Return an order as the ledger has it."""
        with self.vault.store.workspace(workspace_id) as ledger:
            row = erasures.find(ledger, order_id)
        assert row is not None
        return row

    def close(self) -> None:
        self.store.close()
        self.vault.store.close()


@dataclass(frozen=True)
class Workspace:
    """A workspace of the world."""

    world: World
    id: int

    def mailbox(self, address: str = "ben@firm.example", user: str = "u1") -> Box:
        """Connect a mailbox with one folder and a grant."""
        vault, index = self.world.vault, self.world.vault.workspace(self.id).index
        with self.world.store.workspace(self.id) as connection:
            mailbox = mailboxes.next_id(connection)
            (folder,) = folders.next_ids(connection, 1)
        key = vault.make_mailbox_key(self.id, mailbox)
        card = contents.MailboxCard(
            user, Address(address), "imap.firm.example", 993, "tls", "ben", ("INBOX",)
        )
        grant = contents.Grant("password", "geheim")
        with self.world.store.workspace(self.id) as connection:
            connection.execute(
                insert(Mailbox).values(
                    id=mailbox,
                    workspace_id=self.id,
                    provider="imap",
                    state="live",
                    user_hash=index.hash("user", user),
                    address_hash=index.address(address),
                    sealed=contents.seal_mailbox(key, self.id, mailbox, card),
                )
            )
            connection.execute(
                insert(MailboxGrant).values(
                    mailbox_id=mailbox,
                    workspace_id=self.id,
                    generation=1,
                    sealed=contents.seal_grant(key, self.id, mailbox, 1, grant),
                )
            )
            named = contents.FolderCard("INBOX", "Posteingang")
            connection.execute(
                insert(Folder).values(
                    id=folder,
                    workspace_id=self.id,
                    mailbox_id=mailbox,
                    generation=1,
                    hash=index.hash("folder", "INBOX"),
                    sealed=contents.seal_folder(key, self.id, folder, 1, named),
                    role="inbox",
                    selected=True,
                    searched_version=1,
                )
            )
        return Box(self, mailbox, folder, key)

    def lead(self, *addresses: str, name: str = "Anna", domains: Sequence[str] = ()) -> int:
        """Take in a lead; return its row's id."""
        vault = self.world.vault
        index = vault.workspace(self.id).index
        with self.world.store.workspace(self.id) as connection:
            version = policies.raise_version(connection, self.id)
            (lead,) = leads.draw_lead_ids(connection, 1)
            key = vault.make_lead_keys(self.id, [lead])[lead]
            crm_id = f"crm-{lead}"
            card = contents.seal_lead(key, self.id, lead, contents.LeadCard(crm_id, name))
            leads.add(connection, self.id, [(lead, index.hash("lead", crm_id), card)])
            named = [("address", index.address(a), a) for a in addresses]
            named += [("domain", index.domain(d), d) for d in domains]
            ids = leads.draw_address_ids(connection, len(named))
            rows = [
                (i, lead, kind, h, contents.seal_lead_address(key, self.id, i, t), False, None)
                for i, (kind, h, t) in zip(ids, named, strict=True)
            ]
            leads.add_addresses(connection, self.id, version, rows)
        return lead

    def count(self, table: str, where: str = "true") -> int:
        """Count the rows of the workspace in a table of either database."""
        store = self.world.vault.store if table in IN_VAULT else self.world.store
        with store.workspace(self.id) as connection:
            return int(connection.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}")) or 0)


IN_VAULT = {"workspace_key", "mailbox_key", "message_key", "lead_key", "erasure", "signing_key"}


@dataclass(frozen=True)
class Box:
    """A connected mailbox with one folder."""

    workspace: Workspace
    id: int
    folder_id: int
    key: Key = field(repr=False)

    @property
    def ground(self) -> storing.Ground:
        return storing.Ground(self.workspace.id, self.id, 1)

    def version(self) -> int:
        """Return the policy's version now."""
        with self.workspace.world.store.workspace(self.workspace.id) as connection:
            return policies.version(connection, self.workspace.id)

    def keys(self, count: int) -> dict[int, Key]:
        """Make keys of mails that are to be stored."""
        world, workspace = self.workspace.world, self.workspace.id
        with world.store.workspace(workspace) as connection:
            ids = storing.draw_ids(connection, count)
        return world.vault.make_message_keys(workspace, self.id, self.key, ids)

    def store_mails(
        self,
        *addresses: str,
        count: int = 1,
        twins: Sequence[bytes] = (),
        conversation: int | None = None,
    ) -> list[int]:
        """Store mails between this mailbox and the addresses; return their ids."""
        keys = self.keys(count)
        mails = [
            self.seal(id_, key, addresses or ("anna@lead.example",), twins[i : i + 1])
            for i, (id_, key) in enumerate(keys.items())
        ]
        version = self.version()
        with self.workspace.world.store.workspace(self.workspace.id) as connection:
            self.write(connection, mails, version, conversation)
        return list(keys)

    def write(
        self,
        connection: Connection,
        mails: Sequence[NewMail],
        version: int,
        conversation: int | None = None,
    ) -> None:
        """Insert mails as the importer does, checking nothing."""
        conversations = (
            [conversation] * len(mails)
            if conversation is not None
            else threads.add_conversations(connection, self.workspace.id, len(mails))
        )
        storing.add_mails(connection, self.ground, version, mails, conversations)

    def seal(
        self,
        id_: int,
        key: Key,
        addresses: Collection[str] = ("anna@lead.example",),
        twin: Sequence[bytes] = (),
        texts: Mapping[str, str] | None = None,
    ) -> NewMail:
        """Return the rows of a mail from the first address to this mailbox and the others."""
        workspace = self.workspace
        index = workspace.world.vault.workspace(workspace.id).index
        says = dict.fromkeys(("subject", "text", "new_text", "html", "raw", "filename"), "Angebot")
        says |= texts or {}
        of = contents.OfMail(workspace.id, id_, 1)
        people = [Participant(says.get("name", "Anna"), Address(one)) for one in addresses]
        number = next(_numbers)
        head = contents.Head(
            subject=says["subject"],
            sent_from=people[0],
            date=MONDAY,
            sender=people[0],
            to=tuple(people),
            cc=tuple(people),
            bcc=tuple(people),
            reply_to=tuple(people),
            message_id=says.get("message_id", f"{number}@firm.example"),
            snippet=says.get("snippet", "Guten Tag"),
        )
        body = contents.Body(says["text"], says["new_text"], says["html"])
        file = contents.AttachmentCard(says["filename"], "application/pdf", says["filename"])
        own = index.hash("message-id", head.message_id)
        return NewMail(
            id=id_,
            folder_id=self.folder_id,
            ref=str(id_),
            twin=twin[0] if twin else index.hash("twin", str(id_)),
            fingerprint=index.hash("fingerprint", str(id_)),
            object_hash=None,
            outbound=False,
            sent_at=MONDAY,
            received_at=MONDAY,
            size=100,
            own_reference=own,
            references=(),
            participants=frozenset(
                ("from" if n == 0 else "to", index.address(p.address), self.domain(p.address))
                for n, p in enumerate(people)
            ),
            head=contents.seal_head(key, of, head),
            body=contents.seal_body(key, of, body),
            raw=contents.seal_raw(key, of, says["raw"].encode()),
            attachments=(
                NewAttachment("2", 10, False, contents.seal_attachment(key, of, "2", file)),
            ),
        )

    def domain(self, address: Address) -> bytes:
        """Return the hash of an address's domain."""
        index = self.workspace.world.vault.workspace(self.workspace.id).index
        return index.domain(domain_of(address))
