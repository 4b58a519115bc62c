"""Where browsers may be sent back to: addresses of the CRM, compared letter by letter."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from models.queries import connecting, workspaces
from privacy.contents import open_return_urls, seal_return_urls
from worker.boot import Service
from worker.refused import NotThere, Unacceptable
from worker.settings import LOOPBACK

MOST = 20
LONGEST = 2000
OURS = frozenset({"mailbox", "state", "error"})
"""What is added to an address on the way back."""


def return_urls(service: Service, workspace_id: int) -> tuple[str, ...]:
    """Return the addresses that a workspace registered."""
    with service.store.workspace(workspace_id) as connection:
        sealed = connecting.return_urls(connection, workspace_id)
    if sealed is None:
        return ()
    return open_return_urls(service.vault.workspace(workspace_id).sealing, workspace_id, sealed)


def put_return_urls(service: Service, workspace_id: int, urls: Sequence[str]) -> tuple[str, ...]:
    """Register a workspace's addresses in place of all before; return them, each once.

    Raises:
        NotThere: There is no such workspace.
        Unacceptable: One of them is none that a browser may be sent to.
    """
    kept = tuple(dict.fromkeys(urls))
    if len(kept) > MOST:
        raise Unacceptable("return_urls", f"may be {MOST} at most")
    for position, url in enumerate(kept):
        reason = why_unfit(url)
        if reason:
            raise Unacceptable(f"return_urls.{position}", reason)
    with service.store.system() as connection:
        if not workspaces.exists(connection, workspace_id):
            raise NotThere
    sealing = service.vault.workspace(workspace_id).sealing
    sealed = seal_return_urls(sealing, workspace_id, kept)
    with service.store.workspace(workspace_id) as connection:
        connecting.put_return_urls(connection, workspace_id, sealed)
    return kept


def why_unfit(url: str) -> str:
    """Return why a browser may not be sent to an address; empty if it may.

    Only one reading of it is possible: browsers and parsers agree on printable ASCII without
    backslashes, with a host, and without a user before it.
    """
    if not 0 < len(url) <= LONGEST or not url.isascii() or not url.isprintable():
        return f"must be printable ASCII, {LONGEST} characters at most"
    if "\\" in url or " " in url:
        return "must have no blank and no backslash"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if not host or "@" in parts.netloc:
        return "must name a host, and no user"
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return "must begin with https://, or be on loopback"
    if "#" in url:
        return "must have no fragment"
    if OURS & {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}:
        return f"must not have parameters of ours: {', '.join(sorted(OURS))}"
    return ""


def is_registered(service: Service, workspace_id: int, url: str) -> bool:
    """Tell whether a browser may be sent back to an address (RFC 9700 4.1.3)."""
    return url in return_urls(service, workspace_id)
