"""A hand on one account: what its person does in Gmail, and what befalls the account."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from tests.fakes.common.hand import Hand
from tests.fakes.common.heads import heads_of
from tests.fakes.common.loading import Found, mails_in
from tests.fakes.google import risc, scopes
from tests.fakes.google.accounts import Account
from tests.fakes.google.counters import UserCounters
from tests.fakes.google.mailbox import Mailbox
from tests.fakes.google.pushes import Forgery, envelope, send
from tests.fakes.google.world import World

_LABELS = {
    "inbox": "INBOX",
    "sent": "SENT",
    "trash": "TRASH",
    "junk": "SPAM",
    "drafts": "DRAFT",
    "archive": "",
}
"""What a folder's role is at Gmail; what is archived has no label."""
READING = "openid email https://www.googleapis.com/auth/gmail.readonly"


class Person(Hand[World, Account]):
    """May be used from any thread; labels are named by their names or ids."""

    @property
    def sub(self) -> str:
        """The account's lasting id."""
        return self._account.sub

    @property
    def identity(self) -> dict[str, str]:
        """How it is named when an order returns it."""
        return {"address": self.address, "sub": self.sub}

    @property
    def _mailbox(self) -> Mailbox:
        return self._account.mailbox

    def load(
        self,
        path: Path | None = None,
        mails: Iterable[bytes] = (),
        labels: Iterable[str] = ("INBOX",),
    ) -> list[str]:
        """Hold mails as if they had come long ago, dated by their Date; return their ids.

        From a maildir or mbox, folders become labels; mails given as bytes get `labels`.
        """
        with self._world.lock:
            named = self._labels(labels)
            now = self._world.clock.now()
            given = [(raw, named, heads_of(raw).date or now) for raw in mails]
            found = mails_in(path) if path else ()
            held = [(each.raw, self._labels_of(each), each.at) for each in found]
            return [stored.id for stored in self._mailbox.add_old([*held, *given])]

    def deliver(
        self,
        raw: bytes,
        labels: Iterable[str] = ("INBOX", "UNREAD"),
        at: datetime | None = None,
    ) -> str:
        """Let a mail arrive, now or as if at that time; return its id."""
        with self._world.lock:
            moment = at or self._world.clock.now()
            return self._mailbox.add(raw, self._labels(labels), moment).id

    def delete(self, message_id: str) -> None:
        """Remove a message for good."""
        with self._world.lock:
            self._mailbox.delete(message_id)

    def trash(self, message_id: str) -> None:
        """Move a message to the trash."""
        with self._world.lock:
            self._mailbox.relabel(message_id, add=["TRASH"], remove=["INBOX"])

    def untrash(self, message_id: str) -> None:
        """Take a message out of the trash and put it back into the inbox."""
        with self._world.lock:
            self._mailbox.relabel(message_id, add=["INBOX"], remove=["TRASH"])

    def label(self, message_id: str, labels: Iterable[str]) -> None:
        """Put labels on a message."""
        with self._world.lock:
            self._mailbox.relabel(message_id, add=self._labels(labels))

    def unlabel(self, message_id: str, labels: Iterable[str]) -> None:
        """Take labels off a message."""
        with self._world.lock:
            self._mailbox.relabel(message_id, remove=self._labels(labels))

    def create_label(self, name: str) -> str:
        """Make a label and return its id; it is there already: its id."""
        with self._world.lock:
            found = self._mailbox.labels.find(name)
            return (found or self._mailbox.labels.create(name)).id

    def rename_label(self, label: str, name: str) -> None:
        """Give a label another name; its id stays."""
        with self._world.lock:
            (label_id,) = self._labels([label])
            self._mailbox.labels.rename(label_id, name)

    def remove_label(self, label: str) -> None:
        """Remove a label; its messages stay."""
        with self._world.lock:
            (label_id,) = self._labels([label])
            self._mailbox.remove_label(label_id)

    def save_draft(self, raw: bytes, replaces: str | None = None) -> str:
        """Save a draft and return its message's id; a draft saved again is a new message."""
        with self._world.lock:
            thread = self._mailbox.get(replaces).thread if replaces else None
            now = self._world.clock.now()
            made = self._mailbox.add(raw, ["DRAFT"], now, thread)
            if replaces:
                self._mailbox.delete(replaces)
            return made.id

    def send_draft(self, message_id: str) -> str:
        """Send a draft: its message is deleted, and one with a new id is in SENT."""
        with self._world.lock:
            draft = self._mailbox.get(message_id)
            now = self._world.clock.now()
            sent = self._mailbox.add(draft.raw, ["SENT"], now, draft.thread)
            self._mailbox.delete(message_id)
            return sent.id

    def messages(self) -> dict[str, list[str]]:
        """Return the labels of all messages by id, newest first."""
        with self._world.lock:
            return {each.id: sorted(each.labels) for each in self._mailbox.newest_first}

    def raw(self, message_id: str) -> bytes:
        """Return a message's bytes."""
        with self._world.lock:
            return self._mailbox.get(message_id).raw

    def expire_history(self) -> None:
        """Make every history id that was ever given too old."""
        with self._world.lock:
            self._mailbox.history.forget_all()

    def grant(self, scope: str = READING, client_id: str | None = None) -> dict[str, str]:
        """Allow a program what it wants, without a browser; return both tokens."""
        with self._world.lock:
            clients = self._world.clients
            client = clients[client_id] if client_id else next(iter(clients.values()))
            wanted = scopes.expanded(scope)
            grant = self._world.grants.allow(client, self._account, wanted)
            refresh = self._world.grants.new_refresh_token(grant, wanted)
            access = self._world.grants.new_access_token(self._account, wanted, grant)
            return {"refresh_token": refresh.text, "access_token": access.text}

    def revoke(self) -> None:
        """Take back all that was granted to any program."""
        with self._world.lock:
            for grant in self._world.grants.of(self._account):
                self._world.grants.revoke(grant)
        self._tell("tokens-revoked")

    def expire_access_tokens(self) -> None:
        """Let all access tokens of the account be over; refresh tokens stay."""
        with self._world.lock:
            self._world.grants.expire_access_tokens(self._account)

    def change_password(self) -> None:
        """Change the password, which kills the refresh tokens with a Gmail scope."""
        with self._world.lock:
            self._world.grants.end_refresh_tokens(self._account, only_with="mail")
            self._world.grants.expire_access_tokens(self._account)
        self._tell("sessions-revoked")

    def require_sign_in(self) -> None:
        """Let the administrator's session policy refuse every refresh (`invalid_rapt`)."""
        with self._world.lock:
            for token in self._world.grants.refresh_tokens(self._account):
                token.error_subtype = "invalid_rapt"

    def disable(self) -> None:
        """Let Google disable the account: no sign-in, no refresh, no mail."""
        with self._world.lock:
            self._account.is_disabled = True
        self._tell("account-disabled")

    def enable(self) -> None:
        """Undo `disable`."""
        with self._world.lock:
            self._account.is_disabled = False
        self._tell("account-enabled")

    def rename(self, address: str) -> None:
        """Give the account another address; its `sub`, mail and grants stay."""
        with self._world.lock:
            assert self._world.accounts.find(address) is None, f"{address} exists"
            self._account.address = self._mailbox.address = address

    def is_watched(self) -> bool:
        """Say whether a watch runs."""
        with self._world.lock:
            return self._world.watches.of(self._account) is not None

    def is_granted(self) -> bool:
        """Say whether any program holds a grant."""
        with self._world.lock:
            return any(True for _ in self._world.grants.of(self._account))

    def push(
        self,
        forgery: Forgery | None = None,
        copies: int = 1,
        history_id: int | None = None,
        after: timedelta = timedelta(),
    ) -> list[int]:
        """Push now, true or forged, so many times; return the statuses it met.

        An older `history_id` makes a push that comes out of order, `after` one that is late.
        """
        with self._world.lock:
            url = self._world.settings.push_url
            assert url is not None, "no endpoint to push to"
            told = self._mailbox.history.current if history_id is None else history_id
            body = envelope(self._world, self.address, told)
        time.sleep(after.total_seconds())
        return [send(self._world, url, self.address, body, forgery) for _ in range(copies)]

    def security_event(self, name: str, *, is_forged: bool = False) -> int:
        """Tell the registered endpoint of an event about this account; return its answer."""
        with self._world.lock:
            tokens = self._world.grants.refresh_tokens(self._account)
            token = tokens[-1].text if name == "token-revoked" and tokens else None
            event = risc.event(self._world, name, self._account, token=token, is_forged=is_forged)
        return risc.send(self._world, name, event)

    def counters(self) -> UserCounters:
        """Return a copy of what this account's grants were used for."""
        with self._world.lock:
            return copy.deepcopy(self._world.counters.of(self.address))

    def _tell(self, name: str) -> None:
        with self._world.lock:
            wanted = risc.is_wanted(self._world, name)
        if wanted:
            self.security_event(name)

    def _labels(self, names: Iterable[str]) -> list[str]:
        labels = self._mailbox.labels
        found = [labels.get(name) or labels.find(name) for name in names]
        assert all(found), f"{self.address} has no such label"
        return [label.id for label in found if label]

    def _labels_of(self, found: Found) -> list[str]:
        role = found.role
        label = self.create_label(found.folder) if role is None else _LABELS[role]
        unread = [] if found.is_read else ["UNREAD"]
        return [*unread, label] if label else unread
