"""Labels: Gmail's own and the user's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.fakes.google.errors import Refusal

_CATEGORIES = ("PERSONAL", "SOCIAL", "PROMOTIONS", "UPDATES", "FORUMS")
SYSTEM = (
    *("CHAT", "SENT", "INBOX", "IMPORTANT", "TRASH", "DRAFT", "SPAM", "STARRED", "UNREAD"),
    *(f"CATEGORY_{name}" for name in _CATEGORIES),
)
HIDDEN = frozenset({"SPAM", "TRASH"})
"""Left out of a list unless it asks for them."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label; a user's label keeps its id when it is renamed."""

    id: str
    name: str
    is_system: bool

    def resource(self) -> dict[str, object]:
        """Return it as `labels.list` shows it."""
        shown: dict[str, object] = {"id": self.id, "name": self.name}
        if not self.is_system or self.id in {"CHAT", "IMPORTANT", "TRASH", "SPAM"}:
            shown |= {"messageListVisibility": "hide" if self.is_system else "show"}
            shown |= {"labelListVisibility": "labelHide" if self.is_system else "labelShow"}
        return shown | {"type": "system" if self.is_system else "user"}


class Labels:
    """The labels of one mailbox."""

    def __init__(self) -> None:
        self._by_id = {name: Label(name, name, is_system=True) for name in SYSTEM}
        self._made = 0

    def __iter__(self) -> Iterator[Label]:
        return iter(list(self._by_id.values()))

    def __contains__(self, label_id: object) -> bool:
        return label_id in self._by_id

    def get(self, label_id: str) -> Label | None:
        """Return a label by its id."""
        return self._by_id.get(label_id)

    def create(self, name: str) -> Label:
        """Make a user's label; a slash nests it, as Gmail shows it.

        Raises:
            Refusal: There is one of that name.
        """
        if self.find(name):
            raise Refusal(409, "aborted", "Label name exists or conflicts", "ABORTED")
        self._made += 1
        label = Label(f"Label_{self._made}", name, is_system=False)
        self._by_id[label.id] = label
        return label

    def rename(self, label_id: str, name: str) -> Label:
        """Give a user's label another name."""
        label = Label(label_id, name, is_system=False)
        self._by_id[label_id] = label
        return label

    def remove(self, label_id: str) -> None:
        """Remove a user's label."""
        assert not self._by_id[label_id].is_system
        del self._by_id[label_id]

    def find(self, name: str) -> Label | None:
        """Return a label by its name, or by the way a search writes it: `my-label`."""
        wanted = as_searched(name)
        return next((each for each in self if as_searched(each.name) == wanted), None)


def as_searched(name: str) -> str:
    """Return a label's name as a search writes it: a hyphen for what is no letter or digit."""
    return "".join(each if each.isalnum() or each == "_" else "-" for each in name.casefold())
