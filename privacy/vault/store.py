"""The vault: where keys live, apart from what they seal; losing a key is the erasure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, any_, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from models.bulk import insert_columns
from models.queries import erasures
from models.store import Store
from models.vault import LeadKey, MailboxKey, MessageKey, WorkspaceKey
from privacy.vault.keys import Key, MasterKeys, Shredded, unwrap, wrap
from privacy.vault.seal import Index

SHREDDED = b""
"""What stands in the place of a mailbox's key until its row is deleted."""


class Vault:
    """Makes, finds and shreds keys. Keys are never cached: a shredded one is gone at once."""

    def __init__(self, store: Store, masters: MasterKeys) -> None:
        self.store = store
        self.masters = masters

    def make_workspace_key(self, workspace_id: int) -> None:
        """Make a workspace's key."""
        wrapped = self.masters.wrap(Key.fresh(), f"workspace {workspace_id}")
        with self.store.workspace(workspace_id) as connection:
            connection.execute(
                insert(WorkspaceKey).values(workspace_id=workspace_id, wrapped=wrapped)
            )

    def workspace(self, workspace_id: int) -> WorkspaceKeys:
        """Return a workspace's keys.

        Raises:
            Shredded: The workspace was erased, or never was.
        """
        with self.store.workspace(workspace_id) as connection:
            wrapped = connection.scalar(
                select(WorkspaceKey.wrapped).where(WorkspaceKey.workspace_id == workspace_id)
            )
        if wrapped is None:
            raise Shredded(f"the key of workspace {workspace_id}")
        return WorkspaceKeys(self.masters.unwrap(wrapped, f"workspace {workspace_id}"))

    def make_mailbox_key(self, workspace_id: int, mailbox_id: int) -> Key:
        """Make a mailbox's key and return it."""
        key = Key.fresh()
        wrapped = wrap(self.workspace(workspace_id).wrapping, key, f"mailbox {mailbox_id}")
        with self.store.workspace(workspace_id) as connection:
            connection.execute(
                insert(MailboxKey).values(
                    mailbox_id=mailbox_id, workspace_id=workspace_id, wrapped=wrapped
                )
            )
        return key

    def mailbox_keys(self, workspace_id: int, mailbox_ids: Iterable[int]) -> dict[int, Key]:
        """Return the keys of the mailboxes that still have one, by mailbox id."""
        wrapping = self.workspace(workspace_id).wrapping
        with self.store.workspace(workspace_id) as connection:
            rows = connection.execute(
                select(MailboxKey.mailbox_id, MailboxKey.wrapped).where(
                    MailboxKey.mailbox_id.in_(set(mailbox_ids)), MailboxKey.wrapped != SHREDDED
                )
            )
            return {id_: unwrap(wrapping, wrapped, f"mailbox {id_}") for id_, wrapped in rows}

    def mailbox_key(self, workspace_id: int, mailbox_id: int) -> Key:
        """Return a mailbox's key.

        Raises:
            Shredded: It is gone.
        """
        try:
            return self.mailbox_keys(workspace_id, [mailbox_id])[mailbox_id]
        except KeyError:
            raise Shredded(f"the key of mailbox {mailbox_id}") from None

    def make_lead_keys(self, workspace_id: int, lead_ids: Sequence[int]) -> dict[int, Key]:
        """Make the keys of new leads, by lead id."""
        wrapping = self.workspace(workspace_id).wrapping
        keys = {id_: Key.fresh() for id_ in lead_ids}
        with self.store.workspace(workspace_id) as connection:
            insert_columns(
                connection,
                LeadKey,
                lead_id=list(keys),
                workspace_id=[workspace_id] * len(keys),
                wrapped=[wrap(wrapping, key, f"lead {id_}") for id_, key in keys.items()],
            )
        return keys

    def lead_keys(self, workspace_id: int, lead_ids: Iterable[int]) -> dict[int, Key]:
        """Return the keys of the leads that still have one, by lead id."""
        wrapping = self.workspace(workspace_id).wrapping
        with self.store.workspace(workspace_id) as connection:
            rows = connection.execute(
                select(LeadKey.lead_id, LeadKey.wrapped).where(LeadKey.lead_id.in_(set(lead_ids)))
            )
            return {id_: unwrap(wrapping, wrapped, f"lead {id_}") for id_, wrapped in rows}

    def make_message_keys(
        self, workspace_id: int, mailbox_id: int, mailbox_key: Key, mail_ids: Sequence[int]
    ) -> dict[int, Key]:
        """Make the keys of a batch of mails, by mail id, before the mails are stored.

        Raises:
            Fenced: The mailbox's key has been shredded meanwhile.
        """
        keys = {id_: Key.fresh() for id_ in mail_ids}
        with self.store.workspace(workspace_id) as connection:
            insert_columns(
                connection,
                MessageKey,
                mail_id=list(keys),
                workspace_id=[workspace_id] * len(keys),
                mailbox_id=[mailbox_id] * len(keys),
                wrapped=[wrap(mailbox_key, key, f"mail {id_}") for id_, key in keys.items()],
            )
        return keys

    def message_keys(self, workspace_id: int, mail_ids: Iterable[int]) -> dict[int, Key]:
        """Return the keys of the mails that still have one, by mail id."""
        with self.store.workspace(workspace_id) as connection:
            rows = connection.execute(
                select(MessageKey.mail_id, MessageKey.mailbox_id, MessageKey.wrapped).where(
                    MessageKey.mail_id.in_(set(mail_ids))
                )
            ).all()
        mailboxes = self.mailbox_keys(workspace_id, {row.mailbox_id for row in rows})
        return {
            row.mail_id: unwrap(mailboxes[row.mailbox_id], row.wrapped, f"mail {row.mail_id}")
            for row in rows
            if row.mailbox_id in mailboxes
        }

    def shred_mailbox(self, workspace_id: int, mailbox_id: int, erasure_id: int) -> None:
        """Destroy a mailbox's key, and with it all of its mails'; count them in the ledger.

        The mailbox's own key goes in a transaction before: from then on nothing opens,
        however long the rest takes.
        """
        with self.store.workspace(workspace_id) as connection:
            connection.execute(
                update(MailboxKey)
                .where(MailboxKey.mailbox_id == mailbox_id)
                .values(wrapped=SHREDDED)
            )
        with self.store.workspace(workspace_id) as connection:
            # Whoever is about to add a key to it waits, and then finds it gone.
            connection.execute(
                select(MailboxKey.mailbox_id)
                .where(MailboxKey.mailbox_id == mailbox_id)
                .with_for_update()
            )
            mails = connection.execute(
                delete(MessageKey).where(MessageKey.mailbox_id == mailbox_id)
            ).rowcount
            own = connection.execute(
                delete(MailboxKey).where(MailboxKey.mailbox_id == mailbox_id)
            ).rowcount
            erasures.count_keys(connection, erasure_id, mails + own)

    def shred_messages(
        self, workspace_id: int, mail_ids: Sequence[int], erasure_id: int | None = None
    ) -> int:
        """Destroy the keys of mails; return how many went, and count them in the ledger."""
        with self.store.workspace(workspace_id) as connection:
            gone = connection.execute(
                delete(MessageKey).where(
                    MessageKey.mail_id
                    == any_(bindparam("mails", list(mail_ids), ARRAY(BigInteger)))
                )
            ).rowcount
            if erasure_id is not None:
                erasures.count_keys(connection, erasure_id, gone)
        return gone

    def shred_leads(self, workspace_id: int, lead_ids: Sequence[int], erasure_id: int) -> None:
        """Destroy the keys of leads, and count them in the ledger."""
        with self.store.workspace(workspace_id) as connection:
            gone = connection.execute(delete(LeadKey).where(LeadKey.lead_id.in_(lead_ids)))
            erasures.count_keys(connection, erasure_id, gone.rowcount)


class WorkspaceKeys:
    """The keys of a workspace's purposes, derived from its one key."""

    def __init__(self, key: Key) -> None:
        self.wrapping = key.derive("wrap")
        self.sealing = key.derive("seal")
        self.index_key = key.derive("index")
        self.index = Index(self.index_key)
