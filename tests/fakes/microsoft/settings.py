"""What can be set about the stand-in, each with Microsoft's own value as default."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(slots=True)
class Settings:
    """May be changed at any time; what was issued before stays as it was."""

    # Entra
    sends_iss: bool = False
    """Whether the answer to the browser names its issuer (RFC 9207); Entra's doesn't."""
    allows_plain_pkce: bool = True
    """Microsoft documents `plain` beside S256."""
    gives_long_scopes: bool = False
    """Whether Graph's scopes are answered with the resource before them even if asked without."""
    shows_edov: bool = False
    """Whether ID tokens have the optional claim `xms_edov`: is the e-mail's domain verified."""
    access_token_lasts: timedelta = timedelta(seconds=3599)
    capable_token_lasts: timedelta = timedelta(hours=24)
    """For a client that declares to handle claims challenges (`cp1`)."""
    refresh_token_lasts: timedelta = timedelta(days=90)
    """From its issue: each refresh gives a new one, and who keeps the first loses the grant."""
    code_lasts: timedelta = timedelta(minutes=10)

    registered_roles: frozenset[str] = frozenset({"Mail.Read"})
    """Application permissions that the registration lists, for an administrator to consent to."""

    # Graph's mail
    expands_in_delta: bool = True
    """Whether delta serves `$expand` of extended properties, as documented.

    Seen: 2018, a 500 "Value cannot be null" (microsoft-graph-docs issues 1993 and 2270).
    """
    expands_in_folder_delta: bool = False
    """Whether delta of folders serves `$expand`, of which its documentation says nothing."""
    partial_updates: bool = False
    """Whether an update tells only what has changed, which is all that is promised."""
    size_overhead_bytes: int = 2_048
    """How much larger PidTagMessageSize is than the mail: it sums all properties."""
    filtered_most: int = 5_000
    """Messages that a delta with a `$filter` returns at most."""
    search_most: int = 1_000
    """Results of a `$search`."""
    index_lag: timedelta = timedelta()
    """How long a search doesn't find what has just come."""
    page: int = 10
    """Items on a page when nobody asks for more or less."""
    most_per_page: int = 1_000
    """The largest `$top` and `odata.maxpagesize`."""
    move_shows_in_target: bool = True
    """Whether a move by immutable id shows in the target's delta too.

    Seen: only `@removed` in the source (microsoft-graph-docs-contrib issue 72).
    """

    # Limits (learn.microsoft.com/graph/throttling-limits, Outlook service)
    concurrent: int = 4
    """Requests at once per app and mailbox."""
    requests: int = 10_000
    """Requests per app and mailbox in the window."""
    window: timedelta = timedelta(minutes=10)
    concurrency_retry_after: timedelta = timedelta(seconds=1)
    """The Retry-After when there are too many at once."""

    # Notifications
    notice_attempts: int = 5
    """How often a notice is sent until it is acknowledged; Microsoft tries for four hours."""
    notice_backoff: timedelta = timedelta(milliseconds=200)
    subscription_lasts_most: timedelta = timedelta(minutes=10_080)
    rich_subscription_lasts_most: timedelta = timedelta(minutes=1_440)
    """With resource data."""
    subscription_lasts_least: timedelta = timedelta(minutes=45)
    """A shorter one is raised to this."""
    takes_plain_urls: bool = True
    """Whether notification URLs may be `http://` on loopback; Microsoft takes HTTPS only."""
