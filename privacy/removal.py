"""Removing mails that are gone upstream, or lie where the user no longer wants us to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, select, update

from models.mail import Mail
from models.queries import purging, threads
from models.store import Store
from models.workspace import Workspace
from privacy.vault import Vault


class Removal:
    """Removes what the mailbox no longer has, or what its user no longer wants read."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self.store = store
        self.vault = vault

    def mirror(
        self, workspace_id: int, mail_ids: Sequence[int], hold: Callable[[Connection], None]
    ) -> None:
        """Remove mails that are gone upstream, or keep them if the workspace chose that.

        `hold` shows in the transaction that the caller still may write.
        """
        with self.store.workspace(workspace_id) as connection:
            hold(connection)
            mirrors = connection.scalar(
                select(Workspace.mirror_removals).where(Workspace.id == workspace_id)
            )
            if not mirrors:
                # Kept for good: they aren't looked for again.
                connection.execute(
                    update(Mail).where(Mail.id.in_(mail_ids)).values(unplaced_at=None)
                )
                return
        self.remove(workspace_id, mail_ids, hold)

    def remove(
        self, workspace_id: int, mail_ids: Sequence[int], hold: Callable[[Connection], None]
    ) -> None:
        """Remove mails: the rows, then the keys.

        In this order, because a mail that comes back must never meet a row without its key;
        what a crash leaves between the two are keys of nothing, which are swept.
        """
        with self.store.workspace(workspace_id) as connection:
            hold(connection)
            touched = threads.conversations_of(connection, mail_ids)
            purging.delete_mails(connection, workspace_id, mail_ids)
        self.vault.shred_messages(workspace_id, mail_ids)
        with self.store.workspace(workspace_id) as connection:
            threads.hold_threads(connection, workspace_id)
            purging.delete_empty_conversations(connection, touched)
