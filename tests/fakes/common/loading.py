"""Mail from where people keep it: maildirs and mboxes, read without the parsers of others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.fakes.common.heads import heads_of

_FROM_LINE = re.compile(rb"^From [^\r\n]*\r?\n", re.MULTILINE)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)

_ROLES = {
    **dict.fromkeys(("sent", "sent mail", "sent messages", "sent items"), "sent"),
    **dict.fromkeys(("trash", "bin", "deleted", "deleted items"), "trash"),
    **dict.fromkeys(("spam", "junk"), "junk"),
    **dict.fromkeys(("drafts", "draft"), "drafts"),
    "inbox": "inbox",
    "archive": "archive",
    "all mail": "archive",
}
"""What a folder is for, by the names that programs give it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A mail in a file: its bytes, its folder's name ('' is the inbox), whether it was read."""

    raw: bytes
    folder: str
    is_read: bool
    at: datetime

    @property
    def role(self) -> str | None:
        """What the folder is for, as `inbox` or `trash`; none when it is the user's own."""
        return _ROLES.get(self.folder.casefold()) if self.folder else "inbox"


def mails_in(path: Path) -> Iterator[Found]:
    """Yield the mails of a maildir with its subfolders (Maildir++), an mbox, or of a directory.

    A directory that is no maildir may hold mboxes and `.eml` files; an mbox's name is its folder.
    """
    if path.is_file():
        yield from _of_file(path, "")
    elif (path / "cur").is_dir():
        yield from _of_maildir(path, "")
        for folder in sorted(path.glob(".?*/cur")):
            yield from _of_maildir(folder.parent, folder.parent.name[1:].replace(".", "/"))
    else:
        for file in sorted(each for each in path.iterdir() if each.is_file()):
            yield from _of_file(file, "" if file.suffix == ".eml" else file.stem)


def per_account(path: Path) -> dict[str, Path]:
    """Return the maildirs and mboxes of a directory that are named by an address."""
    named = (each for each in sorted(path.iterdir()) if "@" in each.name)
    return {each.name.removesuffix(".mbox"): each for each in named}


def _of_maildir(path: Path, folder: str) -> Iterator[Found]:
    for place in ("cur", "new"):
        for file in sorted((path / place).glob("*")):
            flags = file.name.rpartition(":2,")[2] if ":2," in file.name else ""
            yield _found(file.read_bytes(), folder, file, is_read="S" in flags)


def _of_file(path: Path, folder: str) -> Iterator[Found]:
    content = path.read_bytes()
    if not content.startswith(b"From "):
        yield _found(content, folder, path, is_read=True)
        return
    starts = [
        match.end() for match in _FROM_LINE.finditer(content) if _begins(content, match.start())
    ]
    ends = [content.rfind(b"From ", 0, start) for start in starts[1:]] + [len(content)]
    for start, end in zip(starts, ends, strict=True):
        raw = content[start:end]
        # The empty line before the next "From " belongs to the mbox.
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        yield _found(_QUOTED_FROM.sub(rb"\1", raw), folder, path, is_read=True)


def _begins(content: bytes, at: int) -> bool:
    return at == 0 or content[max(at - 4, 0) : at].endswith((b"\n\n", b"\n\r\n"))


def _found(raw: bytes, folder: str, file: Path, *, is_read: bool) -> Found:
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return Found(raw, folder, is_read, heads_of(raw).date or written)
