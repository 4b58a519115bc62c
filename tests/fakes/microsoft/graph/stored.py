"""One message and one folder as the mailbox holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes.common.anatomy import Gist, gist_of
from tests.fakes.common.heads import Heads


@dataclass(slots=True, eq=False)
class Message:
    """A message; `id` is the immutable one, `rest_id` changes whenever it moves."""

    id: str
    rest_id: str
    raw: bytes
    folder: str
    received: datetime
    conversation: str
    heads: Heads
    version: int
    created: datetime
    modified: datetime
    is_read: bool = False
    is_draft: bool = False
    _gist: Gist | None = None

    @property
    def order(self) -> tuple[float, str]:
        """The key that sorts newest first."""
        return -self.received.timestamp(), self.id

    @property
    def sent(self) -> datetime:
        """When it was sent, as its Date says."""
        return self.heads.date or self.received

    @property
    def gist(self) -> Gist:
        """What is said of its parts, found when it is first asked for."""
        if self._gist is None:
            self._gist = gist_of(self.raw)
        return self._gist

    def known_as(self, *, immutable: bool) -> str:
        """Return the id of the kind that a request prefers."""
        return self.id if immutable else self.rest_id


@dataclass(slots=True, eq=False)
class Folder:
    """A folder; its id stays when it is renamed or moved."""

    id: str
    name: str
    parent: str
    """The parent's id; '' for the root and for what lies beside it."""
    well_known: str = ""
    is_hidden: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    """By immutable id, in the order in which they came to lie here."""
    changed: datetime | None = None
    """When a message came, went or changed here last."""
    deleted: int = 0
    """How many messages ever left."""
    replays: int = 0
    """How many of the next rounds tell everything again."""

    @property
    def unread(self) -> int:
        """How many messages were not read."""
        return sum(not each.is_read for each in self.messages.values())
