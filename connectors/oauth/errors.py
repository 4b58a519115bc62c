"""What can go wrong between a person's consent and a token. Texts hold no token and no address."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.errors import ConnectorError, GrantRevoked


class GrantEnded(GrantRevoked):
    """The provider says `invalid_grant`: no token is to be had any more (RFC 6749 5.2)."""

    code = "grant-ended"


class InteractionWanted(GrantEnded):
    """No token is to be had without the person: a second factor, say, or a new password.

    `claims` is what the next request at the provider's page is to bring; empty if nothing.
    """

    code = "interaction-required"

    def __init__(self, claims: str = "") -> None:
        super().__init__("the provider wants the person")
        self.claims = claims


class Denied(ConnectorError):
    """The person said no."""

    code = "denied"


class AdminWanted(ConnectorError):
    """Only an administrator of the person's organisation may agree."""

    code = "admin-consent"


class NoMailbox(ConnectorError):
    """The account has no mailbox at the provider: a guest's, say, or one without a licence."""

    code = "no-mailbox"


class CodeRefused(ConnectorError):
    """The authorization code is not good: used, too old, another client's, or injected."""

    code = "code-refused"


class Unproven(ConnectorError):
    """Who consented is not proven: the ID token doesn't hold."""

    code = "unproven"


class ClientRefused(ConnectorError):
    """The provider refuses this installation itself: its id, its secret or its registration."""

    code = "client-refused"


class Narrowed(ConnectorError):
    """The person granted less than is needed; `missing` names the scopes."""

    code = "narrowed"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"{len(missing)} scopes are missing")
        self.missing = tuple(missing)
