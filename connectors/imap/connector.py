"""The IMAP connector: one mailbox over one connection, which is opened when first needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from connectors.base import (
    Bell,
    ChangePage,
    Cursor,
    Envelope,
    Folder,
    Found,
    MessageRef,
    RawMessage,
    Revocation,
    Watch,
)
from connectors.egress import Egress
from connectors.errors import Misbehaved, Unreadable
from connectors.imap.account import AccessToken, DayBudget, FetchLimits, ImapAccount
from connectors.imap.changes import list_changes, pin_folder
from connectors.imap.fetching import fetch_envelopes, fetch_messages, find_gone
from connectors.imap.folders import list_folders
from connectors.imap.records import message_ref
from connectors.imap.search import find_addresses, since_criteria
from connectors.imap.session import Session
from connectors.imap.uids import newest_first, none, union
from mail.address import Address


class ImapConnector:
    """A mailbox on an IMAP server. Reads only: EXAMINE and PEEK (invariant 11)."""

    def __init__(
        self,
        account: ImapAccount,
        egress: Egress,
        limits: FetchLimits | None = None,
        day: DayBudget | None = None,
    ) -> None:
        self._account = account
        self._egress = egress
        self._limits = limits or FetchLimits()
        self._day = day
        self._session: Session | None = None

    keeps_ids = False
    lists_at_first = False

    @property
    def searches_first(self) -> bool:
        """Headers cost little, and are seen to be exact before a body is asked for."""
        return False

    @property
    def fetched_together(self) -> int:
        """As many as a transaction stores well."""
        return 250

    @property
    def reports_removals(self) -> bool:
        """Whether `changes` names all removals: the server keeps a record of them (RFC 7162)."""
        return self._open().has_qresync

    @property
    def round_trip(self) -> timedelta:
        """The shortest time that the server took to answer."""
        return timedelta(seconds=self._open().wire.round_trip)

    def folders(self) -> Sequence[Folder]:
        """List all folders; marks are of UIDVALIDITY, UIDNEXT and the number of messages."""
        with self._disbelieving():
            return list_folders(self._open())

    def changes(
        self, folder: Folder, cursor: Cursor | None, since: datetime | None
    ) -> Iterator[ChangePage]:
        """Yield what the cursor doesn't cover, as `Connector.changes` says."""
        with self._disbelieving():
            yield from list_changes(self._open(), folder, cursor, since, self._limits)

    def find(
        self, folder: Folder, addresses: Collection[Address], since: datetime | None
    ) -> Iterator[Found]:
        """Yield the messages in whose address fields any of the addresses is a part; a superset."""
        with self._disbelieving():
            uids = none()
            session = self._open()
            session.begin()
            selection = session.examined(folder.key, session.ask_examine(folder.key))
            if addresses and selection.exists:
                criteria = since_criteria(since)
                uids = union(find_addresses(session, addresses, criteria, selection.exists))
            for uid in newest_first(uids):
                yield Found(message_ref(folder.key, selection.uidvalidity, uid))

    def pin(self, folder: Folder) -> Cursor:
        """Return a cursor at the folder's present end that counts all before it as covered."""
        with self._disbelieving():
            return pin_folder(self._open(), folder)

    def envelopes(self, refs: Sequence[MessageRef]) -> Iterator[Envelope]:
        """Yield the envelopes of those that still exist; header fields only."""
        with self._disbelieving():
            if refs:
                yield from fetch_envelopes(self._open(), refs, self._limits)

    def fetch(self, refs: Sequence[MessageRef], *, live: bool = False) -> Iterator[RawMessage]:
        """Yield whole messages, pipelined within the byte budget."""
        if self._day is not None and refs and not live:
            self._day.check()
        octets = 0
        try:
            with self._disbelieving():
                for raw in fetch_messages(self._open(), refs, self._limits) if refs else ():
                    octets += len(raw.raw)
                    yield raw
        finally:
            if self._day is not None and octets:
                self._day.spend(octets)

    def gone(self, refs: Sequence[MessageRef]) -> Collection[MessageRef]:
        """Return those of the refs that no longer exist."""
        with self._disbelieving():
            return find_gone(self._open(), refs) if refs else ()

    def moved(self, refs: Sequence[MessageRef]) -> Iterator[Envelope]:
        """Yield nothing: what is said to have left a folder has."""
        del refs
        yield from ()

    def watch(self, new_bell: Callable[[], Bell], held: str = "") -> Watch | None:
        """Nothing rings from an IMAP server: it is watched by IDLE (`IdleWatch`), and polled."""
        del new_bell, held
        return None

    def revoke(self, held: Sequence[str] = ()) -> Revocation:
        """Say what is left to the person: IMAP itself has nothing that can be ended."""
        del held
        self.close()
        if isinstance(self._account.auth, AccessToken):
            return Revocation(
                left_to_person=("Withdraw the app's access in the account's settings.",)
            )
        return Revocation(
            left_to_person=("Delete the app password, or change the mailbox's password.",)
        )

    def close(self) -> None:
        """Let go of the connection; never raises."""
        if self._session is not None:
            self._session.close()
            self._session = None

    @contextmanager
    def _disbelieving(self) -> Iterator[None]:
        """Close the connection of a server that broke its protocol."""
        try:
            yield
        except Unreadable:
            raise
        except Misbehaved:
            self.close()
            raise

    def _open(self) -> Session:
        if self._session is None or not self._session.is_open:
            self._session = Session(self._account, self._egress, self._limits)
        return self._session
