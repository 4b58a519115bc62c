"""A cursor says how far a folder is covered, and for which time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Cursor
from connectors.errors import CursorExpired
from connectors.imap.cursor import Position

MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
POSITIONS = st.builds(
    lambda validity, top, below, since, modseq: Position(
        validity, top, max(1, top + 1 - below), since, modseq
    ),
    st.integers(1, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 10**6),
    st.none() | st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),
    st.integers(0, 2**63 - 1),
)


@settings(deadline=None, max_examples=60)
@given(POSITIONS)
def test_a_cursor_is_read_back_and_fits(position):
    cursor = position.text()

    assert position == Position.read(cursor)
    assert len(cursor) <= 500


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "1.2.3",
        "2.7.9.1..0",
        "1.7.9.0..0",
        "1.7.9.11..0",
        "1.7.x.1..0",
        "1.7.9.1.9999999999999999.0",
    ],
)
def test_what_nobody_wrote_expires(cursor):
    with pytest.raises(CursorExpired):
        Position.read(Cursor(cursor))


@pytest.mark.parametrize(
    ("held", "wanted", "low"),
    [
        (None, None, 1),
        (MAY, MAY, 1),
        (None, MAY, 1),
        (MAY, JUNE, 1),
        (JUNE, MAY, 10),
        (MAY, None, 10),
    ],
    ids=["all", "same", "shorter", "later", "longer", "now all"],
)
def test_only_a_longer_time_begins_the_past_again(held, wanted, low):
    reached = Position(7, 9, 1, held, 0).reaching(wanted)

    assert Position(7, 9, low, wanted, 0) == reached
