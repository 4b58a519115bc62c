"""Entra's refusals: `error` to react to, and the AADSTS code that says why.

Codes and words: learn.microsoft.com/entra/identity-platform/reference-error-codes. Microsoft says
that codes may change and that programs should rely on `error`, `suberror` and `claims`.
"""

from __future__ import annotations

import uuid
from dataclasses import astuple, dataclass, replace
from datetime import datetime

from tests.fakes.common.wire import Answer, json_answer

MFA = (
    '{"access_token":{"capolids":{"essential":true,'
    '"values":["2e9aa1c7-5c0f-4a5a-9d4e-1d4a6a1b7f10"]}}}'
)
"""The claims that a second factor is asked for by; the value names the policy."""


@dataclass(eq=False)
class Denied(Exception):
    """A refusal of the token endpoint, or one that the browser brings back."""

    code: int
    error: str
    says: str
    status: int = 400
    suberror: str = ""
    claims: str = ""

    def __reduce__(self) -> tuple[type[Denied], tuple[object, ...]]:
        # An exception is copied by what it was called with, and `replace` calls by name.
        return type(self), astuple(self)

    def describe(self, now: datetime) -> str:
        """Return the description, with ids that are of no use to anybody but Microsoft."""
        return (
            f"AADSTS{self.code}: {self.says}\r\nTrace ID: {uuid.uuid4()}\r\n"
            f"Correlation ID: {uuid.uuid4()}\r\nTimestamp: {_written(now)}"
        )

    def answer(self, now: datetime) -> Answer:
        """Return it as an answer."""
        body: dict[str, object] = {
            "error": self.error,
            "error_description": self.describe(now),
            "error_codes": [self.code],
            "timestamp": _written(now),
            "trace_id": str(uuid.uuid4()),
            "correlation_id": str(uuid.uuid4()),
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        if self.suberror:
            body["suberror"] = self.suberror
        if self.claims:
            body["claims"] = self.claims
        headers = {"cache-control": "no-store, no-cache"}
        answer = json_answer(body, self.status, headers, pretty=False)
        return replace(answer, reason=str(self.code))


def missing(name: str) -> Denied:
    """A parameter isn't there."""
    says = f"The request body must contain the following parameter: '{name}'."
    return Denied(900144, "invalid_request", says)


def unknown_client(client_id: str, tenant: str) -> Denied:
    """The program isn't registered, or nobody in the tenant ever consented to it."""
    says = f"Application with identifier '{client_id}' was not found in the directory '{tenant}'."
    return Denied(700016, "unauthorized_client", says)


def unknown_tenant(tenant: str) -> Denied:
    """There is no such tenant."""
    says = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
    return Denied(90002, "invalid_request", says)


def unconsented(client_name: str) -> Denied:
    """Nobody consented, or the consent was taken back."""
    says = (
        f"The user or administrator has not consented to use the application named "
        f"'{client_name}'. Send an interactive authorization request for this user and resource."
    )
    return Denied(65001, "invalid_grant", says, suberror="consent_required")


def needs_admin(code: str) -> Denied:
    """People of the tenant may not consent themselves."""
    says = {
        "90094": "An administrator of the organization has to grant this application permission.",
        "90095": "The user has to request an administrator's consent.",
    }[code]
    return Denied(int(code), "access_denied", says)


def multi_factor(claims: str = MFA) -> Denied:
    """Conditional Access wants the person to come with a second factor."""
    says = (
        "Due to a configuration change made by your administrator, or because you moved to a new "
        "location, you must use multi-factor authentication to access the resource."
    )
    return Denied(50076, "invalid_grant", says, suberror="basic_action", claims=claims)


_BY_CODE = (
    Denied(50173, "invalid_grant", "The provided grant has expired due to it being revoked.", 400),
    Denied(700082, "invalid_grant", "The refresh token has expired due to inactivity."),
    Denied(70043, "invalid_grant", "The refresh token has expired by sign-in frequency checks."),
    Denied(70008, "invalid_grant", "The provided authorization code or token has expired."),
    Denied(54005, "invalid_grant", "OAuth2 Authorization code was already redeemed."),
    Denied(70000, "invalid_grant", "The provided value for the input parameter is not valid."),
    Denied(50057, "invalid_grant", "The user account is disabled."),
    Denied(50034, "invalid_grant", "The user account does not exist in the directory."),
    Denied(501481, "invalid_grant", "The Code_Verifier does not match the code_challenge."),
    unconsented("Leadmail"),
    multi_factor(),
    replace(multi_factor(), code=50079),
    Denied(7000215, "invalid_client", "Invalid client secret provided.", 401),
    Denied(7000222, "invalid_client", "The provided client secret keys are expired.", 401),
    Denied(7000218, "invalid_client", "The request body must contain a client secret.", 401),
    Denied(700016, "unauthorized_client", "The application was not found in the directory."),
    Denied(90033, "temporarily_unavailable", "A transient error has occurred. Try again.", 503),
    Denied(50196, "invalid_grant", "The server terminated an operation: a client request loop."),
    Denied(90002, "invalid_request", "The tenant was not found."),
    Denied(53003, "invalid_grant", "Blocked by Conditional Access.", suberror="message_only"),
)
ON_DEMAND = {str(each.code): each for each in _BY_CODE}
"""The refusals that can be asked for, by their code."""


def coded(code: int) -> Denied:
    """Return a refusal by its code."""
    return ON_DEMAND[str(code)]


def _written(now: datetime) -> str:
    return f"{now:%Y-%m-%d %H:%M:%SZ}"
