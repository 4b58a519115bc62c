"""Searches that every server takes: short enough, balanced, and never too narrow."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.imap.search import any_of, chunks, needles
from mail.address import Address

LONGEST_LINE = 8192
ADDRESSES = st.builds(
    lambda local, domain: Address(f"{local}@{domain}.example"),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789.+-_", min_size=1, max_size=64),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=60),
)


def depth(criteria: bytes) -> int:
    """How deep the ORs nest; a well-formed search ends exactly with its last key."""
    words = criteria.split(b" ")

    def key(at: int, level: int) -> tuple[int, int]:
        if words[at] == b"OR":
            at, left = key(at + 1, level + 1)
            at, right = key(at, level + 1)
            return at, max(left, right)
        return at + (3 if words[at] == b"HEADER" else 2), level

    end, deepest = key(0, 0)
    assert end == len(words)
    return deepest


@settings(deadline=None, max_examples=25)
@given(st.lists(ADDRESSES, unique=True, max_size=400))
def test_every_word_is_searched_in_lines_that_every_server_takes(addresses):
    words = sorted({word for each in addresses for word in needles(each)})

    cut = list(chunks(words, b"SINCE 31-Dec-2026 "))

    assert words == [word for chunk in cut for word in chunk]
    for chunk in cut:
        line = b"L1000000 UID SEARCH RETURN (ALL) SINCE 31-Dec-2026 " + any_of(chunk) + b"\r\n"
        assert len(line) < LONGEST_LINE
        assert depth(any_of(chunk)) <= 10


def test_every_address_field_is_searched():
    assert (
        b'OR OR FROM "a@b.c" TO "a@b.c" OR CC "a@b.c" OR BCC "a@b.c" HEADER REPLY-TO "a@b.c"'
        == any_of([b'"a@b.c"'])
    )


def test_a_domain_is_searched_in_both_its_forms():
    assert {b'"info@xn--mller-kva.example"', b'"ller.example"'} == needles(
        Address("info@xn--mller-kva.example")
    )


def test_beyond_ascii_the_longest_part_within_it_is_searched():
    assert {b'"ller@kunde.example"'} == needles(Address("müller@kunde.example"))


def test_what_would_end_a_string_is_never_searched():
    assert {b'"@kunde.example"'} == needles(Address('"a\\"b c"@kunde.example'))
