"""The folders of a mailbox: all that hold mail, with their paths, roles and marks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.base import Folder, FolderRole
from connectors.graph.api import GraphApi, items_of
from connectors.graph.records import Json

WELL_KNOWN: Mapping[str, FolderRole] = {
    "inbox": FolderRole.INBOX,
    "sentitems": FolderRole.SENT,
    "drafts": FolderRole.DRAFTS,
    "deleteditems": FolderRole.TRASH,
    "junkemail": FolderRole.JUNK,
    # Not everybody has these: what is asked for behind a missing one is asked for again.
    "archive": FolderRole.ARCHIVE,
}
OUTBOX = "outbox"
"""What lies here has not been sent yet."""
HANDED_DOWN = frozenset({FolderRole.TRASH, FolderRole.JUNK, FolderRole.DRAFTS})
"""A folder that was deleted lies inside of Deleted Items, with its mail."""
CHANGED, REMOVED = "0x670a", "0x670b"
MARKS = "singleValueExtendedProperties($filter=id eq 'SystemTime 0x670A' or id eq 'Integer 0x670B')"
"""PidTagLocalCommitTimeMax and PidTagDeletedCountTotal: a folder's last change, and how many
were ever removed (MS-OXPROPS). Where a delta doesn't tell them, each folder is asked for by itself;
of one without them the messages' delta is asked."""
SELECT = "id,displayName,parentFolderId,isHidden,totalItemCount,unreadItemCount"
PAGE = 200


def list_folders(api: GraphApi) -> Sequence[Folder]:
    """List all folders of whatever depth that people see; search folders hold nothing."""
    known = well_known(api)
    roles = {id_: WELL_KNOWN[name] for name, id_ in known.items() if name in WELL_KNOWN}
    items = {item["id"]: item for item in folder_items(api) if is_shown(item)}
    items.pop(known.get(OUTBOX, ""), None)
    inbox = items.get(known.get("inbox", ""))
    if inbox is not None:
        # The root of all holds no mail.
        items.pop(inbox.get("parentFolderId", ""), None)
    if not api.expands(MARKS):
        paths = {id_: folder_path(api, id_) for id_ in items}
        items.update(api.get_all(paths, {"$select": SELECT, "$expand": MARKS}))
    return [
        Folder(
            key=id_,
            name="/".join(item.get("displayName") or "" for item in reversed(path)),
            role=role_in(path, roles),
            mark=mark_of(path[0]),
            messages=path[0].get("totalItemCount"),
        )
        for id_, path in ((id_, list(ancestors(id_, items))) for id_ in items)
    ]


def folder_path(api: GraphApi, key: str) -> str:
    """Return the path of a folder."""
    return f"{api.root}/mailFolders/{quote(key, safe='')}"


def folder_items(api: GraphApi) -> Iterator[Json]:
    """Yield all folders; a delta from the beginning lists those inside others too."""
    path = f"{api.root}/mailFolders/delta"
    answer = api.get_expanded(path, {"$select": SELECT}, MARKS, page=PAGE, live=True)
    while True:
        yield from items_of(answer)
        link = answer.get("@odata.nextLink")
        if not link:
            return
        answer = api.get(path, api.query_of(link), page=PAGE)


def well_known(api: GraphApi) -> dict[str, str]:
    """Return the ids of the folders that have a role, by name."""
    names = [*WELL_KNOWN, OUTBOX]
    asked = {name: f"{api.root}/mailFolders/{name}" for name in names}
    return {name: item["id"] for name, item in api.get_all(asked, {"$select": "id"})}


def is_shown(item: Json) -> bool:
    """Tell whether a folder is there, is a place of its own, and is shown to its owner."""
    is_search = str(item.get("@odata.type", "")).lower().endswith("mailsearchfolder")
    return not (item.get("isHidden") or is_search or "@removed" in item)


def ancestors(id_: str, items: Mapping[str, Json]) -> Iterator[Json]:
    """Yield a folder and those around it, outwards."""
    seen: set[str] = set()
    while id_ in items and id_ not in seen:
        seen.add(id_)
        yield items[id_]
        id_ = items[id_].get("parentFolderId") or ""


def role_in(path: Iterable[Json], roles: Mapping[str, FolderRole]) -> FolderRole:
    """Return what a folder is for: its own role, or that of the bin it lies in."""
    own, *around = (roles.get(item["id"], FolderRole.OTHER) for item in path)
    if own is not FolderRole.OTHER:
        return own
    return next((role for role in around if role in HANDED_DOWN), FolderRole.OTHER)


def mark_of(item: Json) -> str | None:
    """Return what changes with the folder's contents, if Graph tells it."""
    told: dict[str, Any] = {
        str(one.get("id", "")).lower().rpartition(" ")[2]: one.get("value")
        for one in item.get("singleValueExtendedProperties") or ()
    }
    total = item.get("totalItemCount")
    # A folder that nothing ever lay in has no last change.
    if REMOVED not in told or (CHANGED not in told and total != 0):
        return None
    return f"{total}.{item.get('unreadItemCount')}.{told.get(CHANGED)}.{told[REMOVED]}"
