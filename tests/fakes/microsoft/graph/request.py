"""One call of Graph after it was let in, as the methods see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fakes.common.wire import Answer, Call
from tests.fakes.microsoft.accounts import Account
from tests.fakes.microsoft.counters import UserCounters
from tests.fakes.microsoft.entra.grants import AccessToken
from tests.fakes.microsoft.graph.mailbox import Mailbox
from tests.fakes.microsoft.world import World

_PAGE = re.compile(r"odata\.maxpagesize=(\d+)", re.IGNORECASE)
_IMMUTABLE = re.compile(r'IdType\s*=\s*"?ImmutableId"?', re.IGNORECASE)


def prefers_immutable(call: Call) -> bool:
    """Say whether a call prefers ids that outlive a move."""
    return _IMMUTABLE.search(call.headers.get("prefer", "")) is not None


@dataclass(frozen=True, slots=True)
class Request:
    """Who calls, about which mailbox, with what."""

    world: World
    account: Account
    """Whose mailbox it is about."""
    token: AccessToken
    path: Mapping[str, str]
    call: Call
    base: str
    """How the mailbox was named: `me`, or `users/ID`."""

    @property
    def mailbox(self) -> Mailbox:
        """The mail."""
        return self.account.mailbox

    @property
    def counters(self) -> UserCounters:
        """What was asked of the mailbox."""
        return self.world.counters.of(self.account.address)

    @property
    def is_immutable(self) -> bool:
        """Whether the request prefers ids that outlive a move."""
        return prefers_immutable(self.call)

    @property
    def preferred_page(self) -> int | None:
        """How many items the request prefers on a page."""
        found = _PAGE.search(self.call.headers.get("prefer", ""))
        return int(found[1]) if found else None

    @property
    def may_read_content(self) -> bool:
        """Whether the token covers more than `Mail.ReadBasic`, which leaves out bodies."""
        return any(
            name.startswith(("Mail.Read", "Mail.ReadWrite")) and "Basic" not in name
            for name in self.token.scopes
        )

    def url(self, path: str) -> str:
        """Return an address of this mailbox's resources."""
        return f"{self.world.url}/v1.0/{self.base}/{path}"


Handler = Callable[[Request], Answer]
