"""A mailbox of a million mails costs little memory, however the server answers (F25)."""

from __future__ import annotations

import tracemalloc
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Folder, FolderRole
from connectors.imap import FetchLimits
from connectors.imap import uids as compact
from connectors.imap.cursor import Position
from mail.address import Address
from tests.connectors.conftest import Connect
from tests.servers.scripted import Conversation, Reply, Scripted

MAILS = 1_000_000
FEWER = 200_000
MOST_BYTES = 40 * 2**20
INBOX = Folder("INBOX", "INBOX", FolderRole.INBOX)
EXAMINE = b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT %d] ok\r\n{tag} OK done\r\n" % (
    MAILS,
    2 * MAILS + 1,
)
ODD = range(1, 2 * MAILS, 2)
"""UIDs with gaps, so that no range shortens them."""


def said(text: bytes) -> Reply:
    """Return a reply that is made once, and not copied: the server's memory counts too."""

    def reply(conversation: Conversation, tag: bytes) -> None:
        conversation.send(text)
        conversation.send(tag + b" OK done\r\n")

    return reply


def refused(conversation: Conversation, tag: bytes) -> None:
    conversation.send(tag + b" NO not today\r\n")


def described() -> Callable[[Conversation, bytes], None]:
    """Return a reply that lists all UIDs by FETCH, and describes no mail."""
    lines = b"".join(b"* %d FETCH (UID %d)\r\n" % pair for pair in enumerate(ODD[:FEWER], 1))

    def reply(conversation: Conversation, tag: bytes) -> None:
        if conversation.heard.endswith(b"(UID)"):
            conversation.send(lines)
        conversation.send(tag + b" OK done\r\n")

    return reply


@contextmanager
def within(most_bytes: int) -> Iterator[None]:
    """See that the block takes no more memory than this at any moment."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most_bytes


@pytest.fixture(scope="module", params=["plain", "ranges"])
def large(request: pytest.FixtureRequest) -> Iterator[Scripted]:
    """A server that finds a million mails, whatever it is asked."""
    if request.param == "plain":
        found = b"* SEARCH " + b" ".join(b"%d" % uid for uid in ODD) + b"\r\n"
    else:
        found = b"* ESEARCH UID ALL " + b",".join(b"%d" % uid for uid in ODD) + b"\r\n"
    with Scripted({b"EXAMINE": EXAMINE, b"UID SEARCH": said(found)}) as server:
        yield server


@pytest.mark.timeout(300)
def test_a_million_hits_are_found_within_little_memory_f25(large: Scripted, connect: Connect):
    connector = connect(large.port, limits=FetchLimits())
    addresses = [Address(f"{number}@{'x' * 50}.example") for number in range(30)]

    with within(MOST_BYTES):
        hits = connector.find(INBOX, addresses, None)
        first = next(hits)

    assert f"7:{2 * MAILS - 1}" == first.ref.id
    assert MAILS - 1 == sum(1 for _ in hits)
    assert 1 < sum(b"UID SEARCH" in line for line in large.heard)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("cursor", [None, Position(7, 2 * MAILS, 2 * MAILS + 1, None, 0).text()])
def test_a_folder_of_a_million_mails_is_listed_within_little_memory_f25(
    large: Scripted, connect: Connect, cursor
):
    connector = connect(large.port, limits=FetchLimits())

    with within(MOST_BYTES):
        pages = connector.changes(INBOX, cursor, None)
        page = next(pages)
        pages.close()  # type: ignore[attr-defined]  # it is a generator

    assert MAILS - 500 == page.remaining
    assert 500 == len(page.refs)


@pytest.mark.timeout(300)
def test_a_server_without_search_is_listed_within_little_memory_f25(connect: Connect):
    replies: dict[bytes, Reply] = {
        b"EXAMINE": EXAMINE,
        b"UID SEARCH": refused,
        b"UID FETCH": described(),
    }
    with Scripted(replies) as server, within(MOST_BYTES // 4):
        pages = connect(server.port, limits=FetchLimits()).changes(INBOX, None, None)
        page = next(pages)
        pages.close()  # type: ignore[attr-defined]  # it is a generator

    assert FEWER - 500 == page.remaining


@given(st.lists(st.lists(st.integers(1, 300))))
def test_compact_uids_are_sets(several: list[list[int]]):
    expected = sorted({uid for uids in several for uid in uids})

    found = compact.union(array("I", uids) for uids in several)

    assert expected == list(found)
    assert expected[::-1] == list(compact.newest_first(found))
    assert [uid for uid in range(1, 301) if uid not in expected] == list(compact.gaps(found, 300))


def test_many_uids_in_any_order_are_put_in_order():
    uids = array("I", [*range(250_000, 0, -1), *range(1, 250_001, 2)])

    assert list(range(1, 250_001)) == list(compact.ordered(uids))
