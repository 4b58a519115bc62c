"""A mailbox's folders: those that every mailbox has, and the user's own below them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.fakes.microsoft.graph.refusals import item_not_found, malformed_id
from tests.fakes.microsoft.graph.stored import Folder

ROOT = "msgfolderroot"
_OWN = {
    "inbox": "Inbox",
    "drafts": "Drafts",
    "sentitems": "Sent Items",
    "deleteditems": "Deleted Items",
    "junkemail": "Junk Email",
    "outbox": "Outbox",
    "archive": "Archive",
    "conversationhistory": "Conversation History",
}
_HIDDEN = {"clutter": "Clutter"}
_BESIDE = {"recoverableitemsdeletions": "Deletions"}
"""Outside the visible tree, as the dumpster is."""
WELL_KNOWN = frozenset({ROOT, *_OWN, *_HIDDEN, *_BESIDE})
"""The names that stand for an id (learn.microsoft.com/graph/api/resources/mailfolder)."""


class Folders:
    """The folders of one mailbox."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._by_id: dict[str, Folder] = {}
        self._well_known: dict[str, Folder] = {}
        self.root = self._make("Top of Information Store", "", ROOT)
        for well_known, name in _OWN.items():
            self._make(name, self.root.id, well_known)
        for well_known, name in _HIDDEN.items():
            self._make(name, self.root.id, well_known).is_hidden = True
        for well_known, name in _BESIDE.items():
            self._make(name, "", well_known)

    def __iter__(self) -> Iterator[Folder]:
        """Yield those of the visible tree and the hidden ones in it, parents first."""
        yield from self._below(self.root.id)

    def _below(self, parent: str) -> Iterator[Folder]:
        for folder in self.children(parent):
            yield folder
            yield from self._below(folder.id)

    def _make(self, name: str, parent: str, well_known: str = "") -> Folder:
        folder = Folder(self._new_id(), name, parent, well_known)
        self._by_id[folder.id] = folder
        if well_known:
            self._well_known[well_known] = folder
        return folder

    def all(self) -> list[Folder]:
        """Return every folder, those beside the tree included."""
        return list(self._by_id.values())

    def get(self, name: str) -> Folder:
        """Return a folder by its id or well-known name, as Graph's paths name it.

        Raises:
            Refusal: There is none, or it is no id.
        """
        found = self._well_known.get(name.casefold()) or self._by_id.get(name)
        if found is not None:
            return found
        raise item_not_found() if len(name) > 40 else malformed_id()

    def find(self, folder_id: str) -> Folder | None:
        """Return a folder by its id, if it is still there."""
        return self._by_id.get(folder_id)

    def at(self, path: str) -> Folder:
        """Return a folder by its path of names, its well-known name or its id."""
        found = self._well_known.get(path.casefold()) or self._by_id.get(path) or self._walk(path)
        assert found is not None, f"there is no folder {path}"
        return found

    def _walk(self, path: str) -> Folder | None:
        here = self.root
        for name in path.split("/"):
            children = self.children(here.id)
            named = [each for each in children if each.name.casefold() == name.casefold()]
            known = self._well_known.get(name.casefold())
            if not named and here is self.root and known is not None:
                named = [known]
            if not named:
                return None
            here = named[0]
        return here

    def path(self, folder: Folder) -> str:
        """Return the names from the root down."""
        names = [folder.name]
        while folder.parent and folder.parent != self.root.id:
            folder = self._by_id[folder.parent]
            names.insert(0, folder.name)
        return "/".join(names)

    def children(self, folder_id: str) -> list[Folder]:
        """Return the folders directly below, in order of their names."""
        if not folder_id:
            return []
        below = [each for each in self._by_id.values() if each.parent == folder_id]
        return sorted(below, key=lambda each: (each.name.casefold(), each.id))

    def create(self, name: str, parent: Folder, *, is_hidden: bool = False) -> Folder:
        """Make a folder."""
        folder = self._make(name, parent.id)
        folder.is_hidden = is_hidden
        return folder

    def forget(self, folder: Folder) -> None:
        """Remove a folder that is empty."""
        del self._by_id[folder.id]
