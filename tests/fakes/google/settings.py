"""What can be set about the stand-in, each with Google's own value as default."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(slots=True)
class Settings:
    """May be changed at any time; what was issued before stays as it was."""

    issuer: str = "https://accounts.google.com"
    """In ID tokens, pushes and the `iss` of answers; the product can't tell who serves it."""
    sends_iss: bool = True
    """Whether the answer to the browser names its issuer (RFC 9207)."""
    allows_plain_pkce: bool = True
    """Google documents `plain` beside S256."""
    boxes_ticked: bool = False
    """Whether the consent page offers its scopes ticked; Google's does not."""
    is_testing: bool = False
    """The consent screen's status: in *Testing* a refresh token lasts seven days."""
    access_token_lasts: timedelta = timedelta(seconds=3599)
    refresh_token_lasts_unused: timedelta = timedelta(days=180)
    code_lasts: timedelta = timedelta(minutes=10)
    project: str = "leadmail-stand-in"
    project_number: str = "493400000001"
    api_key: str = "AIzaSyStandInForGoogle"
    subscription: str = "projects/leadmail-stand-in/subscriptions/gmail"
    push_url: str | None = None
    """Where the topic's subscription pushes to."""
    push_audience: str | None = None
    """The `aud` of pushes; the push URL when it is not set."""
    push_service_account: str = "gmail-push@leadmail-stand-in.iam.gserviceaccount.com"
    push_interval: timedelta = timedelta(seconds=1)
    """At most one push per user in this time; more are dropped."""
    push_attempts: int = 5
    """How often a push is sent until it is acknowledged."""
    push_backoff: timedelta = timedelta(milliseconds=200)
    ca_file: str | None = None
    """The authority of the endpoints that pushes and events are sent to."""
    topics: set[str] | None = None
    """The Pub/Sub topics that exist; any of the project when it is not set."""


@dataclass(slots=True)
class QuotaSettings:
    """Units and limits (developers.google.com/workspace/gmail/api/reference/quota, 2026-05)."""

    units_per_minute: int = 6_000
    """Per user."""
    over: str = "userRateLimitExceeded"
    """What is answered when it is used up; also `rateLimitExceeded` or `tooManyRequests` (429)."""
    tells_when: bool = True
    """Whether that answer has a Retry-After."""
    units: dict[str, int] = field(
        default_factory=lambda: {
            "gmail.users.getProfile": 1,
            "gmail.users.labels.list": 1,
            "gmail.users.labels.get": 1,
            "gmail.users.messages.list": 5,
            "gmail.users.messages.get": 20,
            "gmail.users.messages.attachments.get": 20,
            "gmail.users.history.list": 2,
            "gmail.users.watch": 100,
            "gmail.users.stop": 50,
        }
    )
