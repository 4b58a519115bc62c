"""Mails that a server gives wrongly or not at all: parked, and the others come (F4, F25)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.base import Folder, FolderRole, MessageRef, RawMessage
from connectors.errors import (
    Oversize,
    Unreadable,
)
from tests.servers.scripted import Conversation, Reply, Scripted, described

INBOX = Folder("INBOX", "INBOX", FolderRole.INBOX)


def until_parked(messages: Iterator[RawMessage]) -> tuple[list[RawMessage], Unreadable]:
    """Return the messages that came before one was parked, and the reason."""
    got: list[RawMessage] = []
    try:
        for raw in messages:
            got.append(raw)  # noqa: PERF402  # what came before the error counts
    except Unreadable as parked:
        return got, parked
    raise AssertionError("nothing was parked")


def bodies(**literals: bytes) -> Reply:
    """Answer for sizes with 50, for bodies with these by their UID."""

    def reply(conversation: Conversation, tag: bytes) -> None:
        asked = conversation.heard
        for name, body in literals.items():
            uid = int(name[1:])
            if b"RFC822.SIZE" in asked:
                conversation.send(b"* %d FETCH (UID %d RFC822.SIZE 50)\r\n" % (uid, uid))
            else:
                conversation.send(b"* %d FETCH (BODY[] {%d}\r\n" % (uid, len(body)))
                conversation.send(body + b" UID %d)\r\n" % uid)
        conversation.send(tag + b" OK\r\n")

    return reply


def test_a_mail_larger_than_said_is_parked_and_the_others_come(connect):
    refs = [MessageRef("INBOX", "7:1"), MessageRef("INBOX", "7:2")]
    with Scripted({b"UID FETCH": bodies(u2=b"x" * 5000, u1=b"y" * 900)}) as server:
        got, parked = until_parked(connect(server.port).fetch(refs))

    assert [(refs[0], 900)] == [(raw.ref, len(raw.raw)) for raw in got]
    assert ("INBOX", "7:2") == (parked.folder, parked.id)
    assert isinstance(parked, Oversize)


def test_a_mail_too_large_is_not_even_asked_for(connect):
    def reply(conversation: Conversation, tag: bytes) -> None:
        conversation.send(b"* 1 FETCH (UID 1 RFC822.SIZE 99999999)\r\n" + tag + b" OK\r\n")

    with Scripted({b"UID FETCH": reply}) as server:
        with pytest.raises(Oversize):
            list(connect(server.port).fetch([MessageRef("INBOX", "7:1")]))

        assert not any(b"BODY" in line for line in server.heard)


def refusing(poison: int) -> Reply:
    """Refuse every FETCH that names one UID, as servers do with a damaged mail."""

    def reply(conversation: Conversation, tag: bytes) -> None:
        named = conversation.heard.split(b" ")[3]
        uids = {
            uid
            for part in named.split(b",")
            for uid in range(int(part.split(b":")[0]), int(part.split(b":")[-1]) + 1)
        } & {1, 2, 3}
        for uid in sorted(uids - {poison}):
            if b"HEADER" in conversation.heard:
                conversation.send(described(uid))
            elif b"RFC822.SIZE" in conversation.heard:
                conversation.send(b"* %d FETCH (UID %d RFC822.SIZE 1)\r\n" % (uid, uid))
            else:
                conversation.send(b"* %d FETCH (UID %d BODY[] {1}\r\nx)\r\n" % (uid, uid))
        if poison in uids and b"SIZE)" in conversation.heard:
            conversation.send(b"* %d FETCH (UID %d RFC822.SIZE 1)\r\n" % (poison, poison))
            poisoned = False
        else:
            poisoned = poison in uids
        conversation.send(tag + (b" NO [CORRUPTION] damaged\r\n" if poisoned else b" OK\r\n"))

    return reply


THREE: dict[bytes, Reply] = {
    b"EXAMINE": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 4]\r\n{tag} OK x\r\n",
    b"UID SEARCH": b"* SEARCH 1 2 3\r\n{tag} OK\r\n",
}


def test_one_damaged_mail_is_named_and_the_others_are_listed(connect):
    with Scripted({**THREE, b"UID FETCH": refusing(2)}) as server:
        pages = list(connect(server.port).changes(INBOX, None, None))

    assert ["7:3", "7:1"] == [e.ref.id for page in pages for e in page.envelopes]
    assert [MessageRef("INBOX", "7:2")] == [ref for page in pages for ref in page.refs]


def test_one_damaged_mail_is_parked_and_the_others_are_fetched(connect):
    refs = [MessageRef("INBOX", f"7:{uid}") for uid in (1, 2, 3)]
    with Scripted({**THREE, b"UID FETCH": refusing(2)}) as server:
        got, parked = until_parked(connect(server.port).fetch(refs))

    assert {refs[0], refs[2]} == {raw.ref for raw in got}
    assert "7:2" == parked.id
    assert not isinstance(parked, Oversize)
