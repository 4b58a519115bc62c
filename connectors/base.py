"""The one protocol every mail provider is reached through, and the values that cross it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Protocol

from mail.address import Address

Cursor = NewType("Cursor", str)
"""How far a folder has been covered. Opaque outside its connector, at most 8,000 characters."""


class FolderRole(StrEnum):
    """What a folder is for (RFC 6154 and the providers' well-known names)."""

    INBOX = "inbox"
    SENT = "sent"
    DRAFTS = "drafts"
    TRASH = "trash"
    JUNK = "junk"
    ARCHIVE = "archive"
    ALL = "all"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as the provider lists it now.

    `key` names it to the provider and is unique in the mailbox; `name` is for people.
    `mark` changes whenever the folder's contents change: an unchanged mark means that
    `changes` has nothing to say. None means that the provider gives no such mark.
    """

    key: str
    name: str
    role: FolderRole
    mark: str | None = None
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class MessageRef:
    """One place of a message: a folder's key and the message's id there.

    The id is the provider's own (IMAP: "uidvalidity:uid"), never a Message-ID.
    """

    folder: str
    id: str


@dataclass(frozen=True, slots=True)
class Found:
    """A message that the provider's search found.

    `size` is its bytes at most, `object_id` its lasting id, where the search tells them.
    """

    ref: MessageRef
    size: int = 0
    object_id: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Addresses, ids, dates and size of a message; nothing else of it.

    `size` is in bytes as the provider states it. `received_at` is when the mailbox got it
    (IMAP INTERNALDATE), aware and UTC; `dates` are its Date fields as they stand. `object_id`
    and `thread_id` are the provider's own and survive moves; empty where the provider has
    none. `message_id` keeps no brackets.
    """

    ref: MessageRef
    size: int
    received_at: datetime
    sender: tuple[Address, ...]
    recipients: tuple[Address, ...]
    reply_to: tuple[Address, ...] = ()
    message_id: str = ""
    dates: tuple[bytes, ...] = ()
    object_id: str = ""
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One step of catching up with a folder; `cursor` covers this page and all before it.

    `envelopes` are messages the provider described at once, `refs` those known by id only.
    A message may be repeated. `removed` are places that are said to exist no longer: `moved`
    tells where their messages are, if that isn't certain.
    `expired` says that the ids held so far mean nothing any more (RFC 9051 2.3.1.1): places
    of older ids are to be remapped or forgotten, never read as removals.
    `remaining` estimates how many messages of the backfill are still to come; 0 at its end.
    `settled` is False where the provider's search may not know the newest messages yet: the
    same is to be asked once more, at the next poll.
    """

    cursor: Cursor
    envelopes: tuple[Envelope, ...] = ()
    refs: tuple[MessageRef, ...] = ()
    removed: tuple[MessageRef, ...] = ()
    expired: bool = False
    live: bool = False
    remaining: int = 0
    settled: bool = True


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A whole message as RFC 5322 bytes, and what else the provider told with it.

    `received_at` is None, `thread_id` empty and `is_sent` False where it told nothing.
    """

    ref: MessageRef
    raw: bytes = field(repr=False)
    received_at: datetime | None = None
    thread_id: str = ""
    is_sent: bool = False


@dataclass(frozen=True, slots=True)
class Revocation:
    """What was ended at the provider, and what only the person can end."""

    ended: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    left_to_person: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bell:
    """Where a provider is to ring, and the secret that its rings are known by.

    `lifecycle_url` is where it tells that the watch itself needs care. `secret` is made for one
    watch alone and is at most 128 characters; a provider that has no use for it ignores it.
    """

    url: str
    lifecycle_url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Watch:
    """What a provider promised: to ring until then; `id` is its own name for it, if it has one.

    `renew_at` is when to ask for more time: early enough that a day's outage costs nothing.
    """

    until: datetime
    renew_at: datetime
    id: str = field(default="", repr=False)


class Connector(Protocol):
    """A connected mailbox. Only reads (invariant 11). One connector per thread.

    What is yielded is read off the connection: an iterator is finished or closed before the
    next method is called; only between two hits of `find` may others be called. Every method
    may raise the errors of `connectors.errors`; none of them is final for what was yielded
    before.
    """

    @property
    def searches_first(self) -> bool:
        """Whether only what its search finds may be asked for.

        So it is where an envelope costs as much as the message: whatever is found is fetched
        and decided on when it is here, and of other messages nothing but ids is ever seen.
        """
        ...

    @property
    def fetched_together(self) -> int:
        """How many messages are worth fetching before they are stored.

        Few, where each has its price: a kill pays for those in hand again.
        """
        ...

    @property
    def reports_removals(self) -> bool:
        """Whether the pages of `changes` name all removals; else the caller asks `gone`."""
        ...

    @property
    def keeps_ids(self) -> bool:
        """Whether a message keeps its id when it is moved, and so is known at its new place."""
        ...

    @property
    def lists_at_first(self) -> bool:
        """Whether a folder's end is only found by listing it: then its past isn't searched."""
        ...

    @property
    def round_trip(self) -> timedelta:
        """How long the provider takes to answer the least question."""
        ...

    def folders(self) -> Sequence[Folder]:
        """List all folders, with their marks where the provider can tell them cheaply."""
        ...

    def changes(
        self, folder: Folder, cursor: Cursor | None, since: datetime | None
    ) -> Iterator[ChangePage]:
        """Yield what the cursor doesn't cover: new messages first, then the past, newest first.

        Without a cursor the folder's present end is pinned before anything is listed, so
        that mail which arrives meanwhile is found by the next call (F2). The caller may stop
        after any page and go on later from that page's cursor. Messages received before
        `since` are left out; an earlier `since` than the cursor's begins the past again.
        There is always at least one page.

        Raises:
            FolderGone: The folder is no longer there.
        """
        ...

    def find(
        self, folder: Folder, addresses: Collection[Address], since: datetime | None
    ) -> Iterator[Found]:
        """Yield the messages that the provider's search finds for any of the addresses.

        A superset: the caller checks every envelope, or every mail, exactly.
        "@example.com" stands for a whole domain.
        """
        ...

    def pin(self, folder: Folder) -> Cursor:
        """Return a cursor at the folder's present end that counts all before it as covered.

        For a past that is found by `find` instead of a listing.
        """
        ...

    def envelopes(self, refs: Sequence[MessageRef]) -> Iterator[Envelope]:
        """Yield the envelopes of those that still exist; headers only, no body."""
        ...

    def fetch(self, refs: Sequence[MessageRef], *, live: bool = False) -> Iterator[RawMessage]:
        """Yield whole messages, pipelined, in any order; what isn't yielded by the end is gone.

        Those that came just now (`live`) may use what a budget keeps in reserve.

        Raises:
            Unreadable, Oversize: Of one message, after all others were yielded.
            CursorExpired: The folder was renumbered: `changes` lists it again (F7).
        """
        ...

    def gone(self, refs: Sequence[MessageRef]) -> Collection[MessageRef]:
        """Return those of the refs that no longer exist.

        Raises:
            CursorExpired: The folder was renumbered: nothing is known of its old ids (F7).
            FolderGone: The folder is no longer there.
        """
        ...

    def moved(self, refs: Sequence[MessageRef]) -> Iterator[Envelope]:
        """Yield, of messages that are said to have left, the envelopes of those that are there.

        Each at the folder where it lies now, which may be the one that it is said to have left.
        Nothing where removals are certain.
        """
        ...

    def watch(self, new_bell: Callable[[], Bell], held: str = "") -> Watch | None:
        """Have the provider ring at each change; None if it can't: the mailbox is polled.

        The time of the watch that is `held`, by its id, is made longer. Where none is, or the
        provider doesn't know it any more, a new one begins at a new bell: making that writes
        its secret down, so that not even the first ring is a stranger's.
        """
        ...

    def revoke(self, held: Sequence[str] = ()) -> Revocation:
        """End at the provider whatever can be ended there: the watches that are held, by id."""
        ...

    def close(self) -> None:
        """Let go of connections; never raises."""
        ...
