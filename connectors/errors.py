"""What can go wrong with a provider: one class per reaction. Texts hold ids, never mail."""

from __future__ import annotations

from datetime import timedelta


class ConnectorError(Exception):
    """The base of all; `code` is stable and becomes the mailbox's problem code."""

    code = "failing"


class Unreachable(ConnectorError):
    """The network or the server is away: try again later, nothing is lost."""

    code = "unreachable"


class CertificateRefused(Unreachable):
    """The server's certificate can't be verified; nothing was sent to it."""

    code = "certificate-refused"


class HostNotAllowed(ConnectorError):
    """The host, one of its addresses or its port may not be reached from here."""

    code = "host-not-allowed"


class GrantRevoked(ConnectorError):
    """The provider refuses the credentials: only the person can repair it."""

    code = "authentication-failed"


class ClaimsWanted(GrantRevoked):
    """The provider wants more than the token proves, a second factor say; `claims` says what.

    It is the JSON text of a claims challenge (OpenID Connect Core 5.5), to be handed unchanged to
    the next request for a token. It names no person.
    """

    code = "interaction-required"

    def __init__(self, claims: str) -> None:
        super().__init__("the provider wants more than the token proves")
        self.claims = claims


class Paced(ConnectorError):
    """Our own budget with the provider is spent for now: go on later, nothing is wrong."""

    code = "paced"

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"go on in {retry_after.total_seconds():.0f} s")
        self.retry_after = retry_after


class Throttled(ConnectorError):
    """The provider asks to wait."""

    code = "throttled"

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"retry after {retry_after.total_seconds():.0f} s")
        self.retry_after = retry_after


class CursorExpired(ConnectorError):
    """The cursor means nothing to the provider any more: list again and compare."""

    code = "cursor-expired"


class MessageGone(ConnectorError):
    """The message no longer exists."""

    code = "message-gone"


class FolderGone(MessageGone):
    """The folder no longer exists, nor does anything that was in it: list the folders again."""

    code = "folder-gone"


class Misbehaved(ConnectorError):
    """The server broke its protocol; the connection is closed, nothing of it is believed."""

    code = "misbehaved"


class Unreadable(Misbehaved):
    """The server doesn't hand out this one message: park it, the others are unharmed."""

    code = "unreadable"

    def __init__(self, folder: str, message_id: str) -> None:
        super().__init__("the server does not hand out a message")
        self.folder = folder
        self.id = message_id


class Oversize(Unreadable):
    """A message is larger than the limit allows, or than the server said: park it."""

    code = "too-large"
