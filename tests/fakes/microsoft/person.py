"""A hand on one account: what its person does with the mail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from tests.fakes.common.heads import heads_of
from tests.fakes.common.loading import mails_in
from tests.fakes.microsoft.graph.mailbox import Mailbox
from tests.fakes.microsoft.graph.rounds import WAYS
from tests.fakes.microsoft.graph.stored import Folder
from tests.fakes.microsoft.subscriber import Subscriber

_WELL_KNOWN = {
    "inbox": "inbox",
    "sent": "sentitems",
    "trash": "deleteditems",
    "junk": "junkemail",
    "drafts": "drafts",
    "archive": "archive",
}
"""What a folder's role is in a mailbox at Exchange."""


class Person(Subscriber):
    """May be used from any thread; folders are named by path, well-known name or id."""

    @property
    def _mailbox(self) -> Mailbox:
        return self._account.mailbox

    def load(
        self, path: Path | None = None, mails: Iterable[bytes] = (), folder: str = "inbox"
    ) -> list[str]:
        """Hold mails as if they had come long ago, dated by their Date; return their ids.

        From a maildir or mbox, folders are kept; mails given as bytes lie in `folder`.
        """
        with self._world.lock:
            now = self._world.clock.now()
            into = self._mailbox.folders.at(folder)
            given = [(raw, into, heads_of(raw).date or now, True) for raw in mails]
            found = mails_in(path) if path else ()
            held = [
                (each.raw, self._folder(each.folder, each.role), each.at, each.is_read)
                for each in found
            ]
            return [message.id for message in self._mailbox.load([*held, *given])]

    def deliver(self, raw: bytes, folder: str = "inbox", at: datetime | None = None) -> str:
        """Let a mail arrive, now or as if at that time; return its immutable id."""
        with self._world.lock:
            moment = at or self._world.clock.now()
            return self._mailbox.add(raw, self._mailbox.folders.at(folder), moment).id

    def move(self, message_id: str, folder: str) -> str:
        """Move a message; return its id, which stays."""
        with self._world.lock:
            message = self._mailbox.get(message_id)
            self._mailbox.move(
                message,
                self._mailbox.folders.at(folder),
                shows_in_target=self._world.settings.move_shows_in_target,
            )
            return message.id

    def copy(self, message_id: str, folder: str) -> str:
        """Copy a message; return the copy's id."""
        with self._world.lock:
            source = self._mailbox.get(message_id)
            target = self._mailbox.folders.at(folder)
            return self._mailbox.add(source.raw, target, source.received, is_read=source.is_read).id

    def trash(self, message_id: str) -> None:
        """Move a message to the deleted items."""
        self.move(message_id, "deleteditems")

    def delete(self, message_id: str) -> None:
        """Remove a message for good."""
        with self._world.lock:
            self._mailbox.delete(self._mailbox.get(message_id))

    def mark_read(self, message_id: str, *, is_read: bool = True) -> None:
        """Mark a message as read, or as not."""
        with self._world.lock:
            self._mailbox.change(self._mailbox.get(message_id), is_read=is_read)

    def save_draft(self, raw: bytes) -> str:
        """Save a draft and return its id."""
        with self._world.lock:
            drafts = self._mailbox.folders.get("drafts")
            now = self._world.clock.now()
            return self._mailbox.add(raw, drafts, now, is_read=True, is_draft=True).id

    def send_draft(self, message_id: str) -> str:
        """Send a draft: the copy in the sent items has the draft's immutable id."""
        with self._world.lock:
            draft = self._mailbox.get(message_id)
            draft.is_draft = False
            draft.received = self._world.clock.now()
            self._mailbox.move(draft, self._mailbox.folders.get("sentitems"))
            return draft.id

    def create_folder(self, name: str, parent: str = "", *, is_hidden: bool = False) -> str:
        """Make a folder below another, or at the top; return its id."""
        with self._world.lock:
            return self._create(name, parent, is_hidden=is_hidden).id

    def rename_folder(self, folder: str, name: str) -> None:
        """Give a folder another name; its id stays."""
        with self._world.lock:
            found = self._mailbox.folders.at(folder)
            found.name = name
            self._mailbox.journal.add_folder(found.id)

    def move_folder(self, folder: str, parent: str) -> None:
        """Put a folder below another; its id and its mails stay."""
        with self._world.lock:
            found = self._mailbox.folders.at(folder)
            found.parent = self._mailbox.folders.at(parent or "msgfolderroot").id
            self._mailbox.journal.add_folder(found.id)

    def remove_folder(self, folder: str) -> None:
        """Remove a folder for good, with all that lies in it and below it."""
        with self._world.lock:
            self._mailbox.remove_folder(self._mailbox.folders.at(folder))

    def folder_id(self, folder: str) -> str:
        """Return a folder's id."""
        with self._world.lock:
            return self._mailbox.folders.at(folder).id

    def folders(self) -> dict[str, str]:
        """Return the paths of all folders by id, hidden ones included."""
        with self._world.lock:
            folders = self._mailbox.folders
            return {each.id: folders.path(each) for each in folders}

    def messages(self) -> dict[str, str]:
        """Return the path of each message's folder by immutable id, newest first."""
        with self._world.lock:
            folders = self._mailbox.folders
            paths = {each.id: folders.path(each) for each in folders.all()}
            return {each.id: paths[each.folder] for each in self._mailbox.newest_first()}

    def rest_id(self, message_id: str) -> str:
        """Return what a message is called now without the preference for immutable ids."""
        with self._world.lock:
            return self._mailbox.get(message_id).rest_id

    def raw(self, message_id: str) -> bytes:
        """Return a message's bytes."""
        with self._world.lock:
            return self._mailbox.get(message_id).raw

    def replay(self, folder: str = "inbox", rounds: int = 1) -> None:
        """Let the next rounds of a folder's delta tell everything again, some of it twice."""
        with self._world.lock:
            self._mailbox.folders.at(folder).replays += rounds

    def expire_links(self, folder: str | None = None, how: str = "gone") -> None:
        """Let every delta link so far be refused, of one folder or of all and of the list of them.

        `how` is `gone` (410 with a Location), `syncStateNotFound` (404) or `resyncRequired` (410).
        """
        assert how in WAYS, f"{how} is none of {sorted(WAYS)}"
        with self._world.lock:
            folder_id = self._mailbox.folders.at(folder).id if folder else None
            self._mailbox.links.expire(folder_id, how)

    def _create(self, name: str, parent: str, *, is_hidden: bool = False) -> Folder:
        folders = self._mailbox.folders
        above = folders.at(parent) if parent else folders.root
        made = folders.create(name, above, is_hidden=is_hidden)
        self._mailbox.journal.add_folder(made.id)
        return made

    def _folder(self, path: str, role: str | None) -> Folder:
        folders = self._mailbox.folders
        if role is not None:
            return folders.get(_WELL_KNOWN[role])
        here = folders.root
        for name in path.split("/"):
            known = [each for each in folders.children(here.id) if each.name == name]
            here = known[0] if known else self._create(name, here.id)
        return here
