"""One call of the Gmail API after it was let in, as the methods see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fakes.common.wire import Call
from tests.fakes.google.accounts import Account
from tests.fakes.google.errors import bad_request
from tests.fakes.google.grants import AccessToken
from tests.fakes.google.mailbox import Mailbox
from tests.fakes.google.parameters import Values
from tests.fakes.google.scopes import METADATA
from tests.fakes.google.world import World


@dataclass(frozen=True, slots=True)
class Request:
    """Who calls, with what."""

    world: World
    account: Account
    token: AccessToken
    values: Values
    path: Mapping[str, str]
    call: Call

    @property
    def mailbox(self) -> Mailbox:
        """The caller's mail."""
        return self.account.mailbox

    @property
    def is_metadata_only(self) -> bool:
        """Whether the token may see headers only; that scope holds back broader ones too."""
        return METADATA in self.token.scopes

    def body(self) -> dict[str, object]:
        """Return the JSON object that came along.

        Raises:
            Refusal: It is none.
        """
        try:
            read = self.call.json()
        except ValueError:
            raise bad_request("Invalid JSON payload received. Unexpected token.") from None
        if not isinstance(read, dict):
            raise bad_request("Invalid JSON payload received. Expected an object.")
        return read


Handler = Callable[[Request], dict[str, object]]
"""A method: returns the answer's object; an empty one is an answer without content."""
