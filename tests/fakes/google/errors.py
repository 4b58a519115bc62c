"""Google's refusals, in Google's words and in its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.fakes.common.control import Refused
from tests.fakes.common.wire import Answer, json_answer

REALM = 'Bearer realm="https://accounts.google.com/"'


@dataclass(eq=False)
class Refusal(Refused):
    """An error of an API: status, reason, words, and what goes along."""

    status: int
    reason: str
    message: str
    state: str
    domain: str = "global"
    summary: str = ""
    """The words inside `errors`, where they differ."""
    location: str = ""
    location_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    details: tuple[Mapping[str, object], ...] = ()

    def answer(self, *, with_errors: bool = True, pretty: bool = True) -> Answer:
        """Return it as an answer; `$.xgafv=2` leaves out the list of errors."""
        error: dict[str, object] = {"code": self.status, "message": self.message}
        if with_errors:
            item = {
                "message": self.summary or self.message,
                "domain": self.domain,
                "reason": self.reason,
            }
            if self.location:
                item |= {"location": self.location, "locationType": self.location_type}
            error["errors"] = [item]
        error["status"] = self.state
        if self.details:
            error["details"] = list(self.details)
        answer = json_answer({"error": error}, self.status, self.headers, pretty=pretty)
        return replace(answer, reason=self.reason)


def bad_request(message: str, reason: str = "badRequest") -> Refusal:
    """The request itself is wrong."""
    return Refusal(400, reason, message, "INVALID_ARGUMENT")


def invalid_argument(message: str) -> Refusal:
    """A value is wrong."""
    return bad_request(message, "invalidArgument")


def unserved(what: str) -> Refusal:
    """Google serves this and the stand-in does not; a test must not pass by luck."""
    message = f"The stand-in does not serve this: {what}"
    return Refusal(501, "notImplemented", message, "UNIMPLEMENTED")


def not_found() -> Refusal:
    """No such message, label or history."""
    return Refusal(404, "notFound", "Requested entity was not found.", "NOT_FOUND")


def login_required() -> Refusal:
    """No token came along."""
    message = (
        "Request is missing required authentication credential. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential."
    )
    return Refusal(
        *(401, "required", message, "UNAUTHENTICATED"),
        summary="Login Required.",
        location="Authorization",
        location_type="header",
        headers={"www-authenticate": REALM},
    )


def invalid_credentials() -> Refusal:
    """The token is unknown, expired or revoked."""
    message = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, "
        "login cookie or other valid authentication credential."
    )
    return Refusal(
        *(401, "authError", message, "UNAUTHENTICATED"),
        summary="Invalid Credentials",
        location="Authorization",
        location_type="header",
        headers={"www-authenticate": f'{REALM}, error="invalid_token"'},
    )


def insufficient_scopes(method: str, needed: str) -> Refusal:
    """The token lives and its scopes don't cover the method."""
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "gmail.googleapis.com", "method": method},
    }
    return Refusal(
        *(403, "insufficientPermissions"),
        *("Request had insufficient authentication scopes.", "PERMISSION_DENIED"),
        summary="Insufficient Permission",
        headers={"www-authenticate": f'{REALM}, error="insufficient_scope", scope="{needed}"'},
        details=(detail,),
    )


def forbidden(message: str) -> Refusal:
    """The account may not do this."""
    return Refusal(403, "forbidden", message, "PERMISSION_DENIED")


USAGE = "usageLimits"
NAMED = {
    each.reason: each
    for each in (
        Refusal(403, "rateLimitExceeded", "Rate Limit Exceeded", "RESOURCE_EXHAUSTED", USAGE),
        Refusal(
            *(403, "userRateLimitExceeded", "User Rate Limit Exceeded", "RESOURCE_EXHAUSTED", USAGE)
        ),
        Refusal(403, "dailyLimitExceeded", "Daily Limit Exceeded", "RESOURCE_EXHAUSTED", USAGE),
        Refusal(403, "domainPolicy", "The domain policy has disabled Gmail.", "PERMISSION_DENIED"),
        Refusal(
            *(
                429,
                "tooManyRequests",
                "Too many concurrent requests for user.",
                "RESOURCE_EXHAUSTED",
            ),
            USAGE,
        ),
        Refusal(400, "failedPrecondition", "Precondition check failed.", "FAILED_PRECONDITION"),
        Refusal(409, "aborted", "The operation was aborted.", "ABORTED"),
        Refusal(500, "backendError", "Backend Error", "INTERNAL"),
        Refusal(502, "badGateway", "Bad Gateway", "UNKNOWN"),
        Refusal(503, "serviceUnavailable", "The service is currently unavailable.", "UNAVAILABLE"),
        Refusal(504, "deadlineExceeded", "Deadline expired before the end.", "DEADLINE_EXCEEDED"),
        not_found(),
        invalid_credentials(),
        insufficient_scopes("on demand", "https://mail.google.com/"),
    )
}
"""The refusals that can be asked for by their reason."""


def named(reason: str, now: datetime, retry_after: timedelta | None = None) -> Refusal:
    """Return a refusal by its reason; a limit says when to come back, in words and in a header.

    Raises:
        KeyError: There is no such reason.
    """
    refusal = NAMED[reason]
    # Google lists a 429 under the same reason as a 403.
    listed = "rateLimitExceeded" if refusal.status == 429 else refusal.reason
    if retry_after is None:
        return replace(refusal, reason=listed)
    until = (now + retry_after).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    seconds = max(1, -(-int(retry_after.total_seconds() * 1000) // 1000))
    return replace(
        refusal,
        reason=listed,
        message=f"{refusal.message}.  Retry after {until}",
        headers={"retry-after": str(seconds)},
    )
