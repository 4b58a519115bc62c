"""How IMAP is read and written: tables for what is fixed, properties for what is not."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import Misbehaved
from connectors.imap import grammar
from connectors.imap.grammar import (
    UNKNOWN_TIME,
    id_set,
    id_sets,
    parse_time,
    quoted,
    search_date,
    spans,
)
from connectors.imap.records import Record, read_record

UIDS = st.integers(1, 2**32 - 1)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"* OK hi\r\n"], [b"*", b"OK", b"hi"]),
        (
            [b'* LIST (\\A \\B) "/" "a \\"b\\\\"\r\n'],
            [b"*", b"LIST", [b"\\A", b"\\B"], b"/", b'a "b\\'],
        ),
        ([b"* LIST () NIL {3}\r\n", b"a\r\n", b"\r\n"], [b"*", b"LIST", [], None, b"a\r\n"]),
        ([b"(nil ((x)) )\r\n"], [[None, [[b"x"]]]]),
        ([b"(BODY[HEADER.FIELDS (A B)]<0> 1)\r\n"], [[b"BODY[HEADER.FIELDS (A B)]<0>", b"1"]]),
        ([b'("" "\xc3\xbc")\r\n'], [[b"", b"\xc3\xbc"]]),
    ],
)
def test_responses_are_read(pieces, expected):
    assert expected == grammar.values(pieces)


@pytest.mark.parametrize(
    "line",
    [
        b"(\r\n",
        b")\r\n",
        b"())\r\n",
        b'"open\r\n',
        b"(" * 60 + b")" * 60 + b"\r\n",
        b'a"b\r\n',
        b"[\r\n",
    ],
)
def test_what_is_no_response_is_refused(line):
    with pytest.raises(Misbehaved):
        grammar.values([line])


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200))
def test_no_bytes_bring_the_reader_down(line):
    with suppress(Misbehaved):
        grammar.values([line + b"\r\n"])


@pytest.mark.parametrize("text", [b"a\r\nb", b"a\nb", b"a\rb", b"a\0b"])
def test_an_argument_cannot_become_a_command(text):
    with pytest.raises(ValueError, match="line break"):
        quoted(text)


@settings(deadline=None, max_examples=60)
@given(st.binary().filter(lambda text: not set(text) & {0, 10, 13}))
def test_a_quoted_string_is_read_back(text):
    assert [text] == grammar.values([quoted(text) + b"\r\n"])


@settings(deadline=None, max_examples=60)
@given(st.sets(UIDS, max_size=200))
def test_a_set_names_the_same_ids_again(uids):
    named = spans(id_set(uids)) if uids else []

    assert uids == {uid for low, high in named for uid in range(low, high + 1)}


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(1, 5000), max_size=800), st.integers(20, 200))
def test_sets_are_cut_without_loss_and_below_their_length(uids, most):
    parts = list(id_sets(uids, most))

    assert uids == {uid for _, part in parts for uid in part}
    assert all(len(text) <= most for text, _ in parts)
    assert all(id_set(part) == text for text, part in parts)


@pytest.mark.parametrize("text", [b"", b"0", b"1:2:3", b"*", b"-1", b"4294967296", b"1,,2", b"a"])
def test_what_is_no_set_is_refused(text):
    with pytest.raises(Misbehaved):
        spans(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"23-Nov-2026 20:00:00 +0000", datetime(2026, 11, 23, 20, tzinfo=UTC)),
        (b" 1-jan-2026 01:00:00 +0200", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        (b"31-Dec-2026 20:00:60 -0530", datetime(2027, 1, 1, 1, 30, 59, tzinfo=UTC)),
        (b"23-Nov-2026 20:00:00", UNKNOWN_TIME),
        (b"31-Feb-2026 20:00:00 +0000", UNKNOWN_TIME),
        (b"23-Foo-2026 20:00:00 +0000", UNKNOWN_TIME),
        (b"01-Jan-0001 00:00:00 +1200", UNKNOWN_TIME),
        (b"", UNKNOWN_TIME),
    ],
)
def test_times_are_read_in_utc(text, expected):
    assert expected == parse_time(text)


def test_a_day_is_written_in_english_whatever_the_locale():
    assert b"5-May-2026" == search_date(date(2026, 5, 5))


@settings(deadline=None, max_examples=60)
@given(
    uid=UIDS,
    size=st.integers(0, 10**9 - 1),
    headers=st.binary(max_size=60),
    flags=st.sampled_from([b"", b"FLAGS () ", b"FLAGS (\\Seen kw) "]),
)
def test_the_short_way_to_read_a_record_equals_the_long_one(uid, size, headers, flags):
    items = b'UID %d RFC822.SIZE %d INTERNALDATE "23-Nov-2026 20:00:00 +0100"' % (uid, size)
    literal = b"BODY[HEADER.FIELDS (FROM TO)] {%d}\r\n" % len(headers)

    short = read_record([b"* 1 FETCH (%s%s %s" % (flags, items, literal), headers, b")\r\n"])
    long = read_record([b"* 1 FETCH (%s %s" % (items, literal), headers, b" MODSEQ (7))\r\n"])

    assert short == long == Record(uid, size, datetime(2026, 11, 23, 19, tzinfo=UTC), headers)


def test_ids_of_providers_are_read():
    objects = read_record([b"* 1 FETCH (UID 5 EMAILID (M6d) THREADID NIL)\r\n"])
    gmail = read_record([b"* 1 FETCH (UID 5 X-GM-MSGID 1278472032615126545 X-GM-THRID 16)\r\n"])

    assert Record(5, object_id="M6d") == objects
    assert Record(5, object_id="11be0b8a3f4bd611", thread_id="10") == gmail


@pytest.mark.parametrize(
    "line",
    [b"* 3 EXISTS\r\n", b"* 1 FETCH (FLAGS (\\Seen))\r\n", b"* OK x\r\n", b"* VANISHED 1\r\n"],
)
def test_other_responses_are_no_records(line):
    assert None is read_record([line])


@pytest.mark.parametrize(
    "line",
    [
        b"* 1 FETCH (UID 4294967296)\r\n",
        b"* 1 FETCH (UID -1)\r\n",
        b"* 1 FETCH (UID 1 RFC822.SIZE many)\r\n",
        b"* 1 FETCH ((UID) 1)\r\n",
        b"* 1 FETCH (UID (1))\r\n",
    ],
)
def test_a_record_out_of_range_is_refused(line):
    with pytest.raises(Misbehaved):
        read_record([line])
