"""The folders of a mailbox with a mark of each, in as few round trips as the server allows."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from imapclient.imap_utf7 import decode

from connectors.base import Folder, FolderRole
from connectors.errors import Misbehaved
from connectors.imap.grammar import Value, number, quoted, values
from connectors.imap.refusals import During, Refused, reaction
from connectors.imap.roles import role_by_attributes, role_by_name
from connectors.imap.session import Session
from connectors.imap.wire import Response

_STATUS_ITEMS = b"(MESSAGES UIDNEXT UIDVALIDITY)"
_PIPELINED = 100
_LISTED = re.compile(rb"\* (?:X?LIST) ", re.IGNORECASE)
_STATUS = re.compile(rb"\* STATUS ", re.IGNORECASE)
_CLOSED = frozenset({b"\\noselect", b"\\nonexistent"})


@dataclass(frozen=True, slots=True)
class _Listed:
    """One line of LIST."""

    wire_name: bytes
    attributes: frozenset[bytes]
    separator: bytes | None


@dataclass(frozen=True, slots=True)
class _Status:
    """What STATUS says of a folder; its mark changes when mail comes or goes (RFC 9051 2.3.1.1)."""

    mark: str | None
    messages: int | None


def list_folders(session: Session) -> list[Folder]:
    """List all folders that hold mail; INBOX first, then by name.

    Flags don't change a mark: a mail that comes raises UIDNEXT, one that goes lowers MESSAGES.
    """
    session.begin()
    session.leave_folder()
    lines = _list_lines(session)
    listed = _unique(_parse_list(pieces) for pieces in lines if _LISTED.match(pieces[0]))
    open_ones = [each for each in listed if not each.attributes & _CLOSED]
    statuses = dict(_parse_status(pieces) for pieces in lines if _STATUS.match(pieces[0]))
    missing = [each.wire_name for each in open_ones if each.wire_name not in statuses]
    statuses.update(_ask_status(session, missing))
    given = frozenset(role_by_attributes(each.attributes) for each in listed)
    folders = [_folder(each, statuses.get(each.wire_name), given, session) for each in open_ones]
    return sorted(folders, key=lambda folder: (folder.role is not FolderRole.INBOX, folder.name))


def _list_lines(session: Session) -> list[Response]:
    commands = []
    if session.offers(b"LIST-EXTENDED", b"LIST-STATUS"):
        special = b"SPECIAL-USE " if session.offers(b"SPECIAL-USE") else b""
        commands.append(b'LIST "" "*" RETURN (%sSTATUS %s)' % (special, _STATUS_ITEMS))
    elif session.offers(b"LIST-EXTENDED", b"SPECIAL-USE"):
        commands.append(b'LIST "" "*" RETURN (SPECIAL-USE)')
    if session.offers(b"XLIST") and not session.offers(b"SPECIAL-USE"):
        commands.append(b'XLIST "" "*"')
    commands.append(b'LIST "" "*"')
    for command in commands:
        try:
            lines = session.run(command)
        except Refused as refused:
            if command is commands[-1]:
                raise reaction(refused, During.COMMAND) from None
            continue
        if any(_LISTED.match(pieces[0]) for pieces in lines):
            return lines
    raise Misbehaved("a mailbox without folders")


def _ask_status(session: Session, names: list[bytes]) -> dict[bytes, _Status]:
    """Ask for many folders at once; a folder that refuses has no mark."""
    found: dict[bytes, _Status] = {}
    for begin in range(0, len(names), _PIPELINED):
        batch = names[begin : begin + _PIPELINED]
        asked = [session.ask(b"STATUS %s %s" % (quoted(name), _STATUS_ITEMS)) for name in batch]
        lines, _ = session.gather(*asked)
        found.update(_parse_status(pieces) for pieces in lines if _STATUS.match(pieces[0]))
    return found


def _parse_list(pieces: Response) -> _Listed:
    parsed = values(pieces)
    if len(parsed) < 5 or not isinstance(parsed[2], list):
        raise Misbehaved("a LIST response that cannot be read")
    attributes = frozenset(each.lower() for each in parsed[2] if isinstance(each, bytes))
    separator = parsed[3]
    name = parsed[4]
    if isinstance(name, bytes):
        # An unquoted name with brackets falls into several tokens.
        name += b"".join(each for each in parsed[5:] if isinstance(each, bytes))
    return _Listed(_name(name), attributes, separator if isinstance(separator, bytes) else None)


def _parse_status(pieces: Response) -> tuple[bytes, _Status]:
    parsed = values(pieces)
    if len(parsed) < 4 or not isinstance(parsed[3], list):
        raise Misbehaved("a STATUS response that cannot be read")
    items = parsed[3]
    numbers = {
        key.upper(): number(value, 2**63 - 1)
        for key, value in zip(items[::2], items[1::2], strict=False)
        if isinstance(key, bytes) and isinstance(value, bytes) and value.isdigit()
    }
    marks = [numbers.get(key) for key in (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES")]
    mark = None if None in marks else ":".join(str(each) for each in marks)
    return _name(parsed[2]), _Status(mark, numbers.get(b"MESSAGES"))


def _name(value: Value) -> bytes:
    # A folder may be called NIL, and INBOX is written in any case.
    if value is None:
        return b"NIL"
    if isinstance(value, list) or re.search(rb"[\r\n\0]", value):
        raise Misbehaved("a folder name that cannot be read")
    return b"INBOX" if value.upper() == b"INBOX" else value


def _unique(listed: Iterable[_Listed]) -> list[_Listed]:
    """One of each name: some servers list a folder twice, once with its special use."""
    by_name: dict[bytes, _Listed] = {}
    for each in listed:
        held = by_name.get(each.wire_name)
        attributes = each.attributes | held.attributes if held else each.attributes
        by_name[each.wire_name] = replace(each, attributes=attributes)
    return list(by_name.values())


def _folder(
    listed: _Listed, status: _Status | None, given: frozenset[FolderRole | None], session: Session
) -> Folder:
    name = _readable(listed.wire_name, session)
    separator = (listed.separator or b"").decode("latin-1")
    path = tuple(name.split(separator)) if separator else (name,)
    role = role_by_attributes(listed.attributes)
    if listed.wire_name == b"INBOX":
        role = FolderRole.INBOX
    elif role is None:
        # A name counts only where the server gave its meaning to no other folder.
        named = role_by_name(path)
        role = None if named in given else named
    return Folder(
        key=listed.wire_name.decode("latin-1"),
        name=name,
        role=role or FolderRole.OTHER,
        mark=status.mark if status else None,
        messages=status.messages if status else None,
    )


def _readable(wire_name: bytes, session: Session) -> str:
    if not session.has_utf8_names:
        with contextlib.suppress(ValueError, LookupError):
            return str(decode(wire_name))
    return wire_name.decode("utf-8", "replace")
