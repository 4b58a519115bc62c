"""PURE: from Gmail's history records to what may have come into a folder, and what has left it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.base import Folder, FolderRole

ALL_MAIL = "ALL"
"""The key of the folder that holds all mail, which to Gmail is no label."""
HIDDEN = frozenset({"TRASH", "SPAM", "DRAFT", "CHAT"})
"""Labels that keep a message out of every folder but their own."""
ROLES: Mapping[str, FolderRole] = {
    "INBOX": FolderRole.INBOX,
    "SENT": FolderRole.SENT,
    "DRAFT": FolderRole.DRAFTS,
    "TRASH": FolderRole.TRASH,
    "SPAM": FolderRole.JUNK,
}


def holds(folder: Folder, labels: Iterable[str]) -> bool:
    """Tell whether a message with these labels lies in a folder."""
    present = set(labels)
    if folder.key in HIDDEN:
        return folder.key in present
    if present & HIDDEN:
        return False
    return folder.key == ALL_MAIL or folder.key in present


def net_changes(
    folder: Folder, records: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, None], dict[str, None]]:
    """Return ids of what may lie in the folder since these records, and of what no longer does.

    In order; of a message that went to and fro the last word counts. Labels in a record may
    be those of now or of then, so what may have come is asked for once more by a search.
    Records of messages that are deleted for good name no labels that can be relied on.
    """
    came: dict[str, None] = {}
    left: dict[str, None] = {}
    for record in records:
        for id_, is_there in events(folder, record):
            gains, loses = (came, left) if is_there else (left, came)
            loses.pop(id_, None)
            gains[id_] = None
    return came, left


def events(folder: Folder, record: Mapping[str, Any]) -> Iterable[tuple[str, bool]]:
    """Yield message ids of one record, and whether each may lie in the folder now."""
    for added in record.get("messagesAdded", ()):
        labels = added["message"].get("labelIds", ())
        if folder.key in HIDDEN or not HIDDEN & set(labels):
            yield added["message"]["id"], True
    for change in record.get("labelsAdded", ()):
        gained = set(change.get("labelIds", ()))
        if folder.key not in HIDDEN and gained & HIDDEN:
            yield change["message"]["id"], False
        elif folder.key in gained:
            yield change["message"]["id"], True
    for change in record.get("labelsRemoved", ()):
        lost = set(change.get("labelIds", ()))
        if folder.key in lost:
            yield change["message"]["id"], False
        elif folder.key not in HIDDEN and lost & HIDDEN:
            yield change["message"]["id"], True
    for deleted in record.get("messagesDeleted", ()):
        yield deleted["message"]["id"], False
