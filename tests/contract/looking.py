"""How the contract suite looks into a mailbox through its connector."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.base import (
    ChangePage,
    Connector,
    Cursor,
    Envelope,
    Folder,
    FolderRole,
    Found,
    MessageRef,
)
from mail.address import Address

LEAD = Address("lead@kunde.example")
LONG_AGO = datetime(2019, 5, 1, 12, tzinfo=UTC)


def inbox_of(connector: Connector) -> Folder:
    return next(folder for folder in connector.folders() if folder.role is FolderRole.INBOX)


def everything(
    connector: Connector, cursor: Cursor | None = None, since: datetime | None = None
) -> list[ChangePage]:
    return list(connector.changes(inbox_of(connector), cursor, since))


def ids(found: Iterable[Envelope]) -> list[str]:
    return [envelope.message_id for envelope in found]


def described(connector: Connector, pages: Iterable[ChangePage]) -> list[Envelope]:
    """All envelopes of the pages, also of messages that were named by id only."""
    found: list[Envelope] = []
    for page in pages:
        found += page.envelopes
        found += connector.envelopes(page.refs)
    return found


def refs_of(found: Iterable[Found]) -> list[MessageRef]:
    return [one.ref for one in found]
