"""Shreds keys of nothing: an importer died between its keys' commit and its mails'.

It holds no lock over both databases. It takes the mailbox's import lease instead: an importer
that merely stood still can't store under keys that are being shredded, its lease is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from models.base import AnyRow
from models.queries import leases, orphans
from models.store import Fenced, Store
from privacy.vault import Vault

PAGE = 5000
PAGES = 20
"""Keys looked at per run: PAGE * PAGES, a second or two."""
IMPORT = "import"
"""The kind of lease under which mail is stored."""
LEASE = timedelta(seconds=30)


class Sweep:
    """Goes through all keys once, and then through those that were made since."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self.store = store
        self.vault = vault
        self.position: orphans.Position = (datetime.min.replace(tzinfo=UTC), 0)
        self.waiting: dict[tuple[int, int], set[int]] = {}

    def run(self, older_than: timedelta) -> int:
        """Shred keys of nothing that are older than this; return how many went.

        An import in flight has made its keys just now; `older_than` must be longer than one
        takes. Where a mailbox is being imported into, its keys are left for the next run.
        """
        swept = 0
        waiting, self.waiting = self.waiting, {}
        for (workspace, mailbox), mails in waiting.items():
            swept += self.shred(workspace, mailbox, mails)
        for _ in range(PAGES):
            with self.vault.store.system() as connection:
                keys = orphans.keys_after(connection, self.position, older_than, PAGE)
            if not keys:
                break
            for workspace in {key.workspace_id for key in keys}:
                swept += self.look_through(
                    workspace, [key for key in keys if key.workspace_id == workspace]
                )
            self.position = keys[-1].created_at, keys[-1].mail_id
        return swept

    def look_through(self, workspace_id: int, keys: Sequence[AnyRow]) -> int:
        """Shred those of a workspace's keys that are of nothing; return how many went."""
        with self.store.workspace(workspace_id) as connection:
            stored = orphans.stored(connection, [key.mail_id for key in keys])
        unstored: dict[int, set[int]] = {}
        for key in keys:
            if key.mail_id not in stored:
                unstored.setdefault(key.mailbox_id, set()).add(key.mail_id)
        return sum(self.shred(workspace_id, mailbox, mails) for mailbox, mails in unstored.items())

    def keys_of(self, workspace_id: int, before: datetime) -> int:
        """Shred a workspace's keys of nothing that were made before a time."""
        with self.vault.store.workspace(workspace_id) as connection:
            mailboxes = orphans.mailboxes(connection)
        swept = 0
        for mailbox in mailboxes:
            after = 0
            while True:
                with self.vault.store.workspace(workspace_id) as connection:
                    mails = orphans.keys_of_mailbox(connection, mailbox, before, after, PAGE)
                if not mails:
                    break
                after = mails[-1]
                with self.store.workspace(workspace_id) as connection:
                    unstored = set(mails) - orphans.stored(connection, mails)
                if unstored:
                    swept += self.shred(workspace_id, mailbox, unstored)
        return swept

    def shred(self, workspace_id: int, mailbox_id: int, mail_ids: Collection[int]) -> int:
        """Shred the keys of mails that are not stored, now that none of them can be."""
        try:
            with self.store.workspace(workspace_id) as connection:
                epoch = leases.take(connection, workspace_id, mailbox_id, IMPORT, LEASE)
        except Fenced:
            # The mailbox is gone: nothing is ever stored for it.
            return self.vault.shred_messages(workspace_id, sorted(mail_ids))
        if epoch is None:
            self.waiting.setdefault((workspace_id, mailbox_id), set()).update(mail_ids)
            return 0
        try:
            with self.store.workspace(workspace_id) as connection:
                stored = orphans.stored(connection, mail_ids)
            return self.vault.shred_messages(workspace_id, sorted(set(mail_ids) - stored))
        finally:
            with self.store.workspace(workspace_id) as connection:
                leases.release(connection, mailbox_id, IMPORT, epoch)
