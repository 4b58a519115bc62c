"""Refusals of the OAuth endpoints, in their own JSON form (RFC 6749 5.2)."""

from __future__ import annotations

from dataclasses import replace

from tests.fakes.common.wire import Answer, json_answer

_HELP = "https://support.google.com/a/answer/9368756"


class Denied(Exception):
    """An error of the token or the revocation endpoint."""

    def __init__(self, error: str, description: str, status: int = 400, subtype: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.subtype = subtype

    def answer(self) -> Answer:
        """Return it as an answer."""
        body: dict[str, object] = {"error": self.error, "error_description": self.description}
        if self.subtype:
            body |= {"error_uri": _HELP, "error_subtype": self.subtype}
        answer = json_answer(body, self.status, {"cache-control": "no-store"})
        return replace(answer, reason=self.error)


ON_DEMAND = {
    each.subtype or each.error: each
    for each in (
        Denied("invalid_grant", "Token has been expired or revoked."),
        Denied("invalid_grant", "reauth related error (invalid_rapt)", subtype="invalid_rapt"),
        Denied("invalid_client", "The OAuth client was not found.", 401),
        Denied("deleted_client", "The OAuth client was deleted.", 401),
        Denied("admin_policy_enforced", "Access to your account data is restricted by policies."),
        Denied("org_internal", "This client is restricted to users within its organization.", 403),
        Denied("temporarily_unavailable", "Try again later.", 503),
    )
}
"""The refusals of the OAuth endpoints that can be asked for."""
