"""One account's mail and everything that can happen to it."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterable
from datetime import datetime

from tests.fakes.common.clock import Clock
from tests.fakes.common.heads import Heads, heads_of
from tests.fakes.common.index import Index
from tests.fakes.common.keeping import Listener
from tests.fakes.microsoft.graph.folders import Folders
from tests.fakes.microsoft.graph.journal import Change, Event, Journal
from tests.fakes.microsoft.graph.refusals import item_not_found, malformed_id
from tests.fakes.microsoft.graph.rounds import Links
from tests.fakes.microsoft.graph.stored import Folder, Message

_BEGINS = {"folder": "AAMk", "message": "AAMk", "immutable": "AAkA", "conversation": "AAQk"}


class Mailbox:
    """Messages, folders and journal of one account; its callers hold the lock."""

    def __init__(self, address: str, clock: Clock) -> None:
        self.address = address
        self._clock = clock
        # Seeded by the address: a test that fails fails again with the same ids.
        self._chance = random.Random(address)
        self._by_id: dict[str, Message] = {}
        self._by_rest_id: dict[str, Message] = {}
        self.folders = Folders(self._new_folder_id)
        self.journal = Journal()
        self.links = Links()
        self.index: Index[Message] = Index()
        self.on_change: Listener[Event] = Listener()

    def __len__(self) -> int:
        return len(self._by_id)

    def newest_first(self, folder: Folder | None = None) -> list[Message]:
        """Return the messages of a folder, or of the whole mailbox."""
        held = self._by_id if folder is None else folder.messages
        return sorted(held.values(), key=lambda each: each.order)

    def get(self, message_id: str) -> Message:
        """Return a message by either of its ids.

        Graph takes either kind in a path, whatever the request prefers to be answered.

        Raises:
            Refusal: There is none of that id now, or it is no id.
        """
        found = self._by_id.get(message_id) or self._by_rest_id.get(message_id)
        if found is not None:
            return found
        raise item_not_found() if len(message_id) > 40 else malformed_id()

    def find(self, message_id: str) -> Message | None:
        """Return a message by its immutable id, if it is still there."""
        return self._by_id.get(message_id)

    def add(
        self,
        raw: bytes,
        folder: Folder,
        at: datetime,
        *,
        is_read: bool = False,
        is_draft: bool = False,
        is_old: bool = False,
    ) -> Message:
        """Let a mail come in, and remember it as a change unless it is old."""
        heads = heads_of(raw)
        now = self._clock.now()
        message = Message(
            *(self._new_id("immutable"), self._new_id("message"), raw, folder.id, at),
            *(self._conversation_of(heads), heads, self.journal.next(), now, now),
            is_read=is_read,
            is_draft=is_draft,
        )
        self._by_id[message.id] = message
        self._by_rest_id[message.rest_id] = message
        folder.messages[message.id] = message
        self.index.add(message)
        self._record(Change.CREATED, message, is_told=not is_old)
        return message

    def delete(self, message: Message) -> None:
        """Remove a message for good."""
        folder = self.folders.get(message.folder)
        del folder.messages[message.id]
        del self._by_id[message.id]
        del self._by_rest_id[message.rest_id]
        self.index.remove(message)
        self._record(Change.DELETED, message, reason="deleted")

    def move(self, message: Message, target: Folder, *, shows_in_target: bool = True) -> None:
        """Move a message: its immutable id stays, the other one is new."""
        if message.folder == target.id:
            return
        source = self.folders.get(message.folder)
        del source.messages[message.id]
        reason = "changed" if target.well_known == "deleteditems" else "deleted"
        self._record(Change.DELETED, message, reason=reason, is_move=True)
        del self._by_rest_id[message.rest_id]
        message.rest_id = self._new_id("message")
        message.folder = target.id
        self._by_rest_id[message.rest_id] = message
        target.messages[message.id] = message
        if shows_in_target:
            self._record(Change.CREATED, message, is_move=True)

    def change(self, message: Message, *, is_read: bool) -> None:
        """Mark a message as read or not."""
        message.is_read = is_read
        self._record(Change.UPDATED, message)

    def remove_folder(self, folder: Folder) -> None:
        """Remove a folder with all that lies in it and below it."""
        for child in self.folders.children(folder.id):
            self.remove_folder(child)
        for message in list(folder.messages.values()):
            self.delete(message)
        self.folders.forget(folder)
        self.journal.add_folder(folder.id, is_gone=True)

    def matching(self, holds: Callable[[Message], bool]) -> set[Message]:
        """Return the messages of which something is true."""
        return {each for each in self._by_id.values() if holds(each)}

    def _record(
        self,
        change: Change,
        message: Message,
        reason: str = "",
        *,
        is_move: bool = False,
        is_told: bool = True,
    ) -> None:
        number = self.journal.next()
        message.version = number
        message.modified = self._clock.now()
        event = Event(
            *(number, message.folder, change, message.id, message.rest_id, message.received),
            *(reason, is_move),
        )
        self.journal.add(event)
        folder = self.folders.get(message.folder)
        folder.changed = message.modified
        folder.deleted += change is Change.DELETED
        if is_told:
            self.on_change(event)

    def _conversation_of(self, heads: Heads) -> str:
        for reference in reversed(heads.references):
            for message in self.index.message_id(reference):
                return message.conversation
        return self._new_id("conversation")

    def _new_folder_id(self) -> str:
        return self._new_id("folder")

    def _new_id(self, kind: str) -> str:
        # Case matters, and so do the signs that a URL must not take for its own.
        body = base64.urlsafe_b64encode(self._chance.randbytes(88)).decode()
        return f"{_BEGINS[kind]}{body[:-2]}A="

    def load(self, mails: Iterable[tuple[bytes, Folder, datetime, bool]]) -> list[Message]:
        """Hold mails as if they had come long ago: no notice tells of them."""
        return [
            self.add(raw, folder, at, is_read=is_read, is_old=True)
            for raw, folder, at, is_read in mails
        ]
