"""Gmail's searches, history and cursors, as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Cursor, Folder, FolderRole
from connectors.errors import CursorExpired
from connectors.gmail.cursor import Position
from connectors.gmail.history import ALL_MAIL, holds, net_changes
from connectors.gmail.query import FIELDS, frame_of, larger, searches
from mail.address import Address

ALL = Folder(ALL_MAIL, "All Mail", FolderRole.ALL)
LABEL = Folder("Label_7", "Kunden", FolderRole.OTHER)
TRASH = Folder("TRASH", "TRASH", FolderRole.TRASH)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
LAG = timedelta(minutes=2)

addresses = st.lists(
    st.from_regex(r"[a-z0-9.+]{1,40}@[a-z0-9]{1,30}\.example", fullmatch=True).map(Address),
    unique=True,
    max_size=60,
)


@given(addresses, st.integers(300, 2000))
def test_every_address_is_searched_for_in_every_field_and_no_search_is_too_long(asked, limit):
    frame = frame_of(ALL, NOON)

    made = list(searches(asked, frame, limit))

    found = [term for query in made for term in query[1 : query.index("}")].split(" ")]
    assert [f"{name}:{address}" for address in asked for name in FIELDS] == found
    assert all(len(query) <= limit for query in made)
    assert all(query.endswith(frame) for query in made)


@pytest.mark.parametrize(
    ("address", "term"),
    [
        ("anna@kunde.example", "from:anna@kunde.example"),
        ("@kunde.example", "from:kunde.example"),
        ('"a b"@kunde.example', 'from:" a b @kunde.example"'),
        ("o{r}(x)@kunde.example", 'from:"o{r}(x)@kunde.example"'),
    ],
    ids=["an address", "a domain", "with a space", "with what a search would take for its own"],
)
def test_an_address_is_one_word_of_a_search(address, term):
    (query,) = searches([Address(address)], "", 1500)

    assert query.startswith("{" + term + " to:")


def test_a_search_leaves_out_drafts_chats_and_what_is_too_old():
    drafts = Folder("DRAFT", "DRAFT", FolderRole.DRAFTS)

    assert " -in:drafts -in:chats" == frame_of(ALL, None)
    assert " -in:drafts -in:chats after:1795607999" == frame_of(ALL, NOON)
    assert " -in:chats" == frame_of(drafts, None)
    assert "{from:a} larger:1M" == larger("{from:a}", "1M")


def record(kind: str, id_: str, labels: str = "", changed: str = "") -> dict[str, Any]:
    message = {"id": id_, "labelIds": labels.split()}
    change: dict[str, Any] = {"message": message}
    if changed:
        change["labelIds"] = changed.split()
    return {"id": "1", kind: [change]}


@pytest.mark.parametrize(
    ("folder", "records", "came", "left"),
    [
        (ALL, [record("messagesAdded", "a", "INBOX UNREAD")], "a", ""),
        (ALL, [record("messagesAdded", "a", "DRAFT")], "", ""),
        (ALL, [record("messagesAdded", "a", "SPAM")], "", ""),
        (ALL, [record("messagesDeleted", "a")], "", "a"),
        (ALL, [record("labelsAdded", "a", "TRASH", "TRASH")], "", "a"),
        (ALL, [record("labelsRemoved", "a", "", "TRASH")], "a", ""),
        (ALL, [record("labelsRemoved", "a", "", "SPAM")], "a", ""),
        (ALL, [record("labelsAdded", "a", "STARRED", "STARRED")], "", ""),
        (
            ALL,
            [
                record("labelsAdded", "a", "TRASH", "TRASH"),
                record("labelsRemoved", "a", "", "TRASH"),
            ],
            "a",
            "",
        ),
        (
            ALL,
            [record("messagesAdded", "a", "INBOX"), record("messagesDeleted", "a")],
            "",
            "a",
        ),
        (
            ALL,
            [record("messagesDeleted", "draft"), record("messagesAdded", "sent", "SENT")],
            "sent",
            "draft",
        ),
        (LABEL, [record("labelsAdded", "a", "Label_7", "Label_7")], "a", ""),
        (LABEL, [record("labelsRemoved", "a", "", "Label_7")], "", "a"),
        (LABEL, [record("labelsAdded", "a", "Label_7 TRASH", "TRASH")], "", "a"),
        (TRASH, [record("labelsAdded", "a", "TRASH", "TRASH")], "a", ""),
        (TRASH, [record("labelsRemoved", "a", "", "TRASH")], "", "a"),
    ],
    ids=[
        "new",
        "a draft",
        "junk",
        "deleted for good",
        "trashed",
        "restored",
        "no junk after all",
        "a star",
        "trashed and restored",
        "came and went",
        "a draft that was sent",
        "labelled",
        "its label taken",
        "labelled and trashed",
        "into the trash",
        "out of the trash",
    ],
)
def test_history_tells_what_may_have_come_into_a_folder_and_what_has_left(
    folder, records, came, left
):
    found = net_changes(folder, records)

    assert (came.split(), left.split()) == tuple(map(list, found))


def test_hidden_messages_lie_in_no_folder_but_their_own():
    assert holds(ALL, ["INBOX"])
    assert holds(ALL, [])
    assert holds(LABEL, ["Label_7", "INBOX"])
    assert holds(TRASH, ["Label_7", "TRASH"])
    assert not holds(LABEL, ["INBOX"])
    assert not holds(LABEL, ["Label_7", "TRASH"])
    assert not holds(ALL, ["DRAFT"])


def test_a_cursor_is_read_as_it_was_written():
    for past in (None, "", "1234:56"):
        position = Position(2**63, 2**63 + 5, 1795608000, 7, past)

        assert position == Position.read(position.written())
        assert len(position.written()) < 500


@pytest.mark.parametrize("cursor", ["", "nonsense", "g1:1:2", "g1:a:b:c:d:-", "7:41"])
def test_a_cursor_that_nobody_wrote_is_expired(cursor):
    with pytest.raises(CursorExpired):
        Position.read(Cursor(cursor))


def test_what_came_is_looked_at_again_after_the_lag_of_the_search():
    def after(position: Position, history: int, minutes: float, *, quiet: bool = False) -> Position:
        return position.advanced(history, NOON + timedelta(minutes=minutes), LAG, quiet=quiet)

    pinned = Position.pinned(100, NOON, None)
    came = after(pinned, 110, 0)
    more = after(came, 120, 1)
    again = after(more, 120, 3)
    last = after(again, 120, 6)

    assert [100, 100, 100, 110, 120] == [p.settled for p in (pinned, came, more, again, last)]
    assert [True, False, False, False, True] == [
        p.is_settled for p in (pinned, came, more, again, last)
    ]
    assert after(pinned, 130, 1, quiet=True).is_settled
