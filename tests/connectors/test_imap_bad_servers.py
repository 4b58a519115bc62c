"""Servers that hang, drip, drop, lie and babble: the right error, soon, and nothing believed."""

from __future__ import annotations

import time

import pytest

from connectors.base import Folder, FolderRole, MessageRef
from connectors.errors import (
    ConnectorError,
    FolderGone,
    Misbehaved,
    Throttled,
    Unreachable,
)
from mail.address import Address
from tests.servers.scripted import HONEST, Conversation, Reply, Scripted, described, fetched

INBOX = Folder("INBOX", "INBOX", FolderRole.INBOX)
HANG: Reply = lambda conversation, _: conversation.hang()  # noqa: E731
DROP: Reply = lambda conversation, _: conversation.drop()  # noqa: E731
PATIENCE = 6
"""Seconds after which a test's server has been waited for too long."""


def drip(text: bytes) -> Reply:
    return lambda conversation, _: conversation.drip(text * 1000, 0.01)


@pytest.mark.parametrize(
    ("step", "reply", "expected"),
    [
        ("greeting", HANG, Unreachable),
        ("greeting", DROP, Unreachable),
        ("greeting", b"SSH-2.0-OpenSSH_9.2\r\n", Misbehaved),
        ("greeting", b"220 mail ESMTP\r\n", Misbehaved),
        ("greeting", b"* BYE [UNAVAILABLE] later\r\n", Unreachable),
        ("greeting", b"* NO go away\r\n", Misbehaved),
        ("greeting", b"\xff\xfe\x00\x01" * 100 + b"\r\n", Misbehaved),
        ("greeting", b"* OK " + b"x" * 10_000, Misbehaved),
        ("greeting", drip(b"x"), Unreachable),
        ("LOGIN", HANG, Unreachable),
        ("LOGIN", DROP, Unreachable),
        ("LOGIN", b"garbage\r\n", Misbehaved),
        ("LOGIN", b"OTHER OK done\r\n", Misbehaved),
        ("LOGIN", b"* X {99999999999}\r\n", Misbehaved),
        ("LOGIN", b"* BYE Too many connections\r\n", Throttled),
        ("LOGIN", drip(b"* OK wait\r\n"), Unreachable),
        ("LIST", HANG, Unreachable),
        ("LIST", DROP, Unreachable),
        ("LIST", b"{tag} OK nothing\r\n", Misbehaved),
        ("LIST", b"{tag} NO no\r\n", Misbehaved),
        ("LIST", b"* LIST (((((\r\n{tag} OK\r\n", Misbehaved),
        ("LIST", b'* LIST () "/" {3}\r\na\rb\r\n{tag} OK\r\n', Misbehaved),
        ("LIST", b"* BYE Session expired, please login again.\r\n", Throttled),
        ("LIST", b"{tag} BAD throttled. Suggested Backoff Time: 9 milliseconds\r\n", Throttled),
        ("LIST", b"x" * 10_000, Misbehaved),
        ("LIST", b"\0\0\0\0\r\n", Misbehaved),
        ("LIST", b"L999 OK done\r\n", Misbehaved),
    ],
)
def test_a_bad_server_gives_the_right_error_soon(connect, step, reply, expected):
    greeting = reply if step == "greeting" else b"* OK [CAPABILITY IMAP4rev1] hello\r\n"
    replies = {} if step == "greeting" else {step.encode(): reply}
    started = time.monotonic()

    with Scripted(replies, greeting) as server, pytest.raises(ConnectorError) as error:
        connect(server.port).folders()

    assert expected is error.type
    assert time.monotonic() - started < PATIENCE


@pytest.mark.parametrize(
    ("command", "reply", "expected"),
    [
        (b"EXAMINE", b"{tag} NO [NONEXISTENT] Unknown Mailbox\r\n", FolderGone),
        (b"EXAMINE", b"{tag} NO Mailbox does not exist\r\n", FolderGone),
        (b"EXAMINE", b"{tag} NO [UNAVAILABLE] later\r\n", Unreachable),
        (b"EXAMINE", b"{tag} OK empty\r\n", Misbehaved),
        (b"EXAMINE", b"* OK [UIDVALIDITY 99999999999]\r\n{tag} OK x\r\n", Misbehaved),
        (b"EXAMINE", b"* OK [UIDVALIDITY 0]\r\n{tag} OK x\r\n", Misbehaved),
        (b"UID FETCH", HANG, Unreachable),
        (b"UID FETCH", b"* 1 FETCH (UID 1 BODY[HEADER.FIELDS (FROM)] {50}\r\nshort", Unreachable),
        (b"UID FETCH", b"* 1 FETCH (UID 1 BODY {4294967297}\r\n", Misbehaved),
        (b"UID FETCH", b"{tag} BAD no\r\n", Misbehaved),
        (b"UID FETCH", b"{tag} NO [OVERQUOTA] bandwidth\r\n", Throttled),
        (b"UID FETCH", b"* 1 FETCH (UID x)\r\n{tag} OK x\r\n", Misbehaved),
        (b"UID FETCH", drip(b"* OK wait\r\n"), Unreachable),
        (b"UID SEARCH", b"* SEARCH 99999999999\r\n{tag} OK x\r\n", Misbehaved),
    ],
)
def test_a_bad_answer_to_a_listing_gives_the_right_error(connect, command, reply, expected):
    started = time.monotonic()
    with Scripted({command: reply}) as server, pytest.raises(ConnectorError) as error:
        list(connect(server.port).changes(INBOX, None, None))

    assert expected is error.type
    assert time.monotonic() - started < PATIENCE


def test_what_nobody_asked_for_is_passed_over(connect):
    noise = (
        b"* 3 EXISTS\r\n* 1 RECENT\r\n* 9 EXPUNGE\r\n* OK still here {5}\r\n"
        b"* 2 FETCH (FLAGS (\\Seen))\r\n* 77 FETCH (UID 77 FLAGS ())\r\n"
        b"* NO [ALERT] quota\r\n* VANISHED 900\r\n* XFOO (a)\r\n"
    )
    reply = fetched(noise, described(1), noise, described(2), described(50), noise)
    with Scripted({b"UID FETCH": reply}) as server:
        pages = list(connect(server.port).changes(INBOX, None, None))

    assert ["7:2", "7:1"] == [e.ref.id for page in pages for e in page.envelopes]


@pytest.mark.parametrize(
    "search",
    [
        b"{tag} OK done\r\n",
        b"{tag} NO failed\r\n",
        b"{tag} BAD what\r\n",
        b"* SEARCH\r\n{tag} OK\r\n",
    ],
)
def test_a_search_that_fails_is_never_read_as_an_empty_folder(connect, search):
    reply = fetched(described(1), described(2))
    with Scripted({b"UID SEARCH": search, b"UID FETCH": reply}) as server:
        pages = list(connect(server.port).changes(INBOX, None, None))

    assert 2 == sum(len(page.envelopes) for page in pages)


@pytest.mark.parametrize(
    "search", [b"{tag} OK done\r\n", b"{tag} NO failed\r\n", b"{tag} BAD what\r\n"]
)
def test_a_search_that_fails_finds_and_loses_nobody(connect, search):
    refs = [MessageRef("INBOX", "7:1")]
    with Scripted({b"UID SEARCH": search}) as server:
        with pytest.raises(ConnectorError):
            connect(server.port).gone(refs)
        with pytest.raises(ConnectorError):
            list(connect(server.port).find(INBOX, [Address("a@b.example")], None))


def test_a_search_that_is_too_long_for_the_server_is_cut(connect):
    def search(conversation: Conversation, tag: bytes) -> None:
        too_long = len(server.heard[-1]) > 700
        conversation.send(
            tag + b" BAD too long\r\n" if too_long else b"* SEARCH 2\r\n" + tag + b" OK\r\n"
        )

    addresses = [Address(f"person{n}@firm.example") for n in range(60)]
    with Scripted({b"UID SEARCH": search}) as server:
        found = list(connect(server.port).find(INBOX, addresses, None))
        accepted = b" ".join(line for line in server.heard if len(line) <= 700)

    assert [MessageRef("INBOX", "7:2")] == [one.ref for one in found]
    assert all(address.encode() in accepted for address in addresses)


def test_a_server_cannot_make_us_count_forever(connect):
    reply = b'* ESEARCH (TAG "x") UID ALL 1:4294967295\r\n{tag} OK\r\n'
    login = b"{tag} OK [CAPABILITY IMAP4rev1 ESEARCH] in\r\n"
    with Scripted({b"UID SEARCH": reply, b"LOGIN": login}) as server, pytest.raises(Misbehaved):
        list(connect(server.port).changes(INBOX, None, None))


def test_an_end_that_moves_backwards_is_a_renumbered_folder(connect):
    with Scripted({b"UID FETCH": fetched(described(1), described(2))}) as server:
        cursor = list(connect(server.port).changes(INBOX, None, None))[-1].cursor
    restored = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 2]\r\n{tag} OK x\r\n"
    one = {b"EXAMINE": restored, b"UID SEARCH": b"* SEARCH 1\r\n{tag} OK\r\n"}

    with Scripted({**one, b"UID FETCH": fetched(described(1))}) as server:
        pages = list(connect(server.port).changes(INBOX, cursor, None))

    assert pages[0].expired
    assert ["7:1"] == [e.ref.id for page in pages for e in page.envelopes]


def test_a_server_without_uidnext_still_gives_new_mail(connect):
    silent = b"* %d EXISTS\r\n* OK [UIDVALIDITY 7]\r\n{tag} OK x\r\n"
    with Scripted(
        {b"EXAMINE": silent % 2, b"UID FETCH": fetched(described(1), described(2))}
    ) as server:
        cursor = list(connect(server.port).changes(INBOX, None, None))[-1].cursor

    with Scripted({b"EXAMINE": silent % 3, b"UID FETCH": fetched(described(3))}) as server:
        pages = list(connect(server.port).changes(INBOX, cursor, None))
        again = list(connect(server.port).changes(INBOX, pages[-1].cursor, None))

    assert {"7:3"} == {e.ref.id for page in pages for e in page.envelopes}
    assert [] == [e for page in again for e in page.envelopes]


def test_honest_answers_pass(connect):
    """The control: the server that every other test here makes worse."""
    reply = fetched(described(1), described(2))
    with Scripted({**HONEST, b"UID FETCH": reply}) as server:
        connector = connect(server.port)
        folders = connector.folders()
        pages = list(connector.changes(INBOX, None, None))

    assert ["7:3:2"] == [folder.mark for folder in folders]
    assert 2 == sum(len(page.envelopes) for page in pages)
