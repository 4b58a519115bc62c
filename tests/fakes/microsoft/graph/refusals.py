"""Graph's refusals, in Graph's words and JSON form.

See learn.microsoft.com/graph/errors; Outlook's codes begin with `Error`.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.fakes.common.control import Refused
from tests.fakes.common.faults import Fault
from tests.fakes.common.wire import Answer, json_answer

JSON_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)


@dataclass(eq=False)
class Refusal(Refused):
    """An error of Graph: status, code, words, and headers that go along."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self, now: datetime, client_request_id: str = "") -> Answer:
        """Return it as an answer."""
        request_id = str(uuid.uuid4())
        error = {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": f"{now:%Y-%m-%dT%H:%M:%S}",
                "request-id": request_id,
                "client-request-id": client_request_id or request_id,
            },
        }
        headers = {"content-type": "application/json", "request-id": request_id, **self.headers}
        answer = json_answer({"error": error}, self.status, headers, pretty=False)
        return replace(answer, reason=self.code)


def bad_request(message: str, code: str = "BadRequest") -> Refusal:
    """The request itself is wrong."""
    return Refusal(400, code, message)


def no_property(name: str, kind: str) -> Refusal:
    """A property that v1.0 doesn't have."""
    message = (
        "Parsing OData Select and Expand failed: Could not find a property named "
        f"'{name}' on type 'microsoft.graph.{kind}'."
    )
    return bad_request(message, "RequestBroker--ParseUri")


def invalid_query(message: str) -> Refusal:
    """A query option that isn't possible here."""
    return bad_request(message, "ErrorInvalidUrlQuery")


def unserved(what: str) -> Refusal:
    """Graph serves this and the stand-in does not; a test must not pass by luck."""
    return Refusal(501, "notImplemented", f"The stand-in does not serve this: {what}")


def item_not_found() -> Refusal:
    """No such message or folder, or no longer under that id."""
    return Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def malformed_id() -> Refusal:
    """No id at all."""
    return bad_request("Id is malformed.", "ErrorInvalidIdMalformed")


def no_user(user: str) -> Refusal:
    """No such user in the tenant."""
    return Refusal(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")


def access_denied() -> Refusal:
    """The token lives and covers this not, or not for this mailbox."""
    return Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def empty_token() -> Refusal:
    """No token came along."""
    return Refusal(401, "InvalidAuthenticationToken", "Access token is empty.")


def invalid_token() -> Refusal:
    """The token is unknown."""
    message = "IDX14100: JWT is not well formed, there are no dots (.)."
    return Refusal(401, "InvalidAuthenticationToken", message)


def expired_token() -> Refusal:
    """The token is over."""
    message = "Lifetime validation failed, the token is expired."
    return Refusal(401, "InvalidAuthenticationToken", message)


def challenged(claims: str, url: str, client_id: str) -> Refusal:
    """The token must be asked for anew, with these claims.

    See learn.microsoft.com/entra/identity-platform/claims-challenge.
    """
    encoded = base64.b64encode(claims.encode()).decode()
    header = (
        f'Bearer realm="", authorization_uri="{url}/common/oauth2/authorize", '
        f'client_id="{client_id}", error="insufficient_claims", claims="{encoded}"'
    )
    message = "Continuous access evaluation resulted in challenge with result: InteractionRequired."
    return Refusal(401, "InvalidAuthenticationToken", message, {"www-authenticate": header})


def too_many_at_once() -> Refusal:
    """More than the mailbox allows to one app at once."""
    message = "Application is over its MailboxConcurrency limit."
    return Refusal(429, "ApplicationThrottled", message)


def too_many_requests() -> Refusal:
    """More than the mailbox allows to one app in ten minutes."""
    message = "Application is over its RequestsPerMailbox limit."
    return Refusal(429, "ApplicationThrottled", message)


def sync_state_lost(status: int = 410, location: str = "") -> Refusal:
    """A delta link that is no good any more; with a Location to begin again at."""
    message = "The sync state generation is not found; generation={0}."
    headers = {"location": location} if location else {}
    return Refusal(status, "SyncStateNotFound", message, headers)


def resync_required(location: str) -> Refusal:
    """The service wants everything listed again."""
    message = "Resync required. Replace any local items with the server's version."
    return Refusal(410, "resyncRequired", message, {"location": location})


_BY_NAME = (
    Refusal(429, "TooManyRequests", "Too many requests."),
    too_many_at_once(),
    Refusal(503, "ServiceUnavailable", "The service is temporarily unavailable."),
    Refusal(503, "MailboxStoreUnavailable", "The mailbox database is temporarily unavailable."),
    Refusal(504, "GatewayTimeout", "The proxy waited too long for the upstream server."),
    Refusal(502, "BadGateway", "Bad gateway."),
    Refusal(500, "ErrorInternalServerError", "An internal server error occurred."),
    Refusal(500, "ErrorInternalServerTransientError", "A transient error occurred."),
    Refusal(509, "BandwidthLimitExceeded", "The bandwidth cap was exceeded."),
    Refusal(404, "MailboxNotEnabledForRESTAPI", "The mailbox is inactive or on-premise."),
    Refusal(404, "MailboxNotHostedInExchangeOnline", "The mailbox isn't in Exchange Online."),
    Refusal(423, "AccountSuspended", "The account is suspended."),
    Refusal(403, "Authorization_RequestDenied", "Insufficient privileges."),
    access_denied(),
    item_not_found(),
    expired_token(),
    sync_state_lost(404),
    Refusal(410, "resyncRequired", "Resync required."),
)
NAMED = {each.code: each for each in _BY_NAME}
"""The refusals that can be asked for by their code."""


def ordered(fault: Fault) -> Refusal:
    """Return what was ordered by its code, with a Retry-After if it says when."""
    refusal = NAMED[fault.what]
    return refusal if fault.retry_after is None else until(refusal, fault.retry_after)


def until(refusal: Refusal, wait: timedelta) -> Refusal:
    """Return a refusal that says when to come back, in whole seconds."""
    seconds = max(1, -(-int(wait.total_seconds() * 1000) // 1000))
    return replace(refusal, headers={**refusal.headers, "retry-after": str(seconds)})
