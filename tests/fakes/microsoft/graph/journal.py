"""What happened in a mailbox, in order: what deltas and notices are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Change(StrEnum):
    """What a subscription can ask for, by the names it uses."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one message, as one folder sees it."""

    number: int
    folder: str
    change: Change
    message: str
    rest_id: str
    """What it was called in this folder."""
    received: datetime
    reason: str = ""
    """Why it was removed: `deleted` or `changed`."""
    is_move: bool = False


class Journal:
    """Every event, numbered; folders' own changes are numbered along."""

    def __init__(self) -> None:
        self.current = 0
        self._events: dict[str, list[Event]] = {}
        self._folders: list[tuple[int, str, bool]] = []

    def next(self) -> int:
        """Return the next number."""
        self.current += 1
        return self.current

    def add(self, event: Event) -> None:
        """Remember a change of a message."""
        self._events.setdefault(event.folder, []).append(event)

    def since(self, folder: str, number: int) -> list[Event]:
        """Return what happened in a folder after a number, in order."""
        found: list[Event] = []
        for event in reversed(self._events.get(folder, [])):
            if event.number <= number:
                break
            found.append(event)
        return found[::-1]

    def add_folder(self, folder_id: str, *, is_gone: bool = False) -> None:
        """Remember that a folder was made, changed or removed."""
        self._folders.append((self.next(), folder_id, is_gone))

    def folders_since(self, number: int) -> Iterator[tuple[str, bool]]:
        """Yield the folders that changed after a number, each once, with whether it is gone."""
        last = {name: is_gone for when, name, is_gone in self._folders if when > number}
        yield from last.items()
