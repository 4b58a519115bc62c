"""Address headers as they are really written."""

from __future__ import annotations

import time
from email import policy
from email.parser import BytesHeaderParser
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.address import canonical
from mail.address_list import addresses_in

JAN = ("Jan", "jan@example.com")
OTTO = ("Otto", "otto@example.org")


@pytest.mark.parametrize(
    ("people", "header"),
    [
        ([JAN], b"Jan <jan@example.com>"),
        ([JAN, OTTO], b"Jan <jan@example.com>,\r\n Otto <otto@example.org>"),
        ([("Muster, Jan", "jan@example.com")], b'"Muster, Jan" <jan@example.com>'),
        ([("", "jan@example.com")], b"jan@example.com"),
        ([JAN], b"jan@example.com (Jan)"),
        ([JAN, OTTO], b"Sales: Jan <jan@example.com>, Otto <otto@example.org>;"),
        ([], b"undisclosed-recipients:;"),
        ([], b""),
        ([("Jürg", "jan@example.com")], b"=?utf-8?q?J=C3=BC?= =?utf-8?q?rg?= <jan@example.com>"),
        ([("Jürg", "jan@example.com")], b"=?utf-8?b?SsM=?= =?utf-8?b?vHJn?= <jan@example.com>"),
        ([("Jürg", "jan@example.com")], "Jürg <jan@example.com>".encode()),
        ([("Jürg", "jan@example.com")], "Jürg <jan@example.com>".encode("latin-1")),
        ([("", "jan@xn--mller-kva.de")], "jan@müller.de".encode()),
        ([("Jan", "jan@example.com")], b"=?utf-8?q?Jan_=3Cjan=40example=2Ecom=3E?="),
        ([("Pete", "pete@silly.test")], b"Pete(A nice \\) chap) <pete(his)@silly.test(host)>"),
        ([("Mary", "mary@example.net")], b"Mary <@node.test,@b.test:mary@example.net>"),
        ([("", "jdoe@test.example")], b"jdoe@test  . example"),
        ([JAN, OTTO], b"Jan <jan@example.com>; Otto <otto@example.org>"),
        ([("", "a@x.de"), ("", "b@y.de")], b"a@x.de b@y.de"),
        ([JAN, OTTO], b"Jan <jan@example.com, Otto <otto@example.org>"),
        ([JAN], b'"Jan <jan@example.com>'),
        ([("", '"jan doe"@example.com')], b'"jan doe"@example.com'),
        ([JAN], b"Jan <mailto:jan@example.com>"),
        ([("other@example.org", "jan@example.com")], b'"other@example.org" <jan@example.com>'),
        ([JAN], b"jan@example.com, Jan <JAN@example.com>"),
    ],
)
def test_everyone_a_header_names_is_found(people, header):
    assert people == [(one.name, one.address) for one in addresses_in(header)]


@pytest.mark.parametrize(
    "bomb",
    [
        b"(" * 224_000,
        b"(a" * 112_000,
        b'"' * 224_000,
        b'"\\' * 112_000,
        b"<" * 224_000,
        b"a<" * 112_000,
        b"a@" * 112_000,
        b"a:" * 112_000,
        b"[" * 224_000,
        b", " * 112_000,
        b"<(a) (b) " * 25_000 + b"a@b.de>",
        b"=?utf-8?q?a?= " * 16_000,
        b"=?a?q?" * 37_000,
        b"a . " * 56_000 + b"@ b",
    ],
    ids=lambda bomb: bomb[:12].decode(),
)
def test_a_header_of_224_kb_takes_linear_time(bomb):
    def seconds(header: bytes) -> float:
        began = time.thread_time()
        addresses_in(header)
        return time.thread_time() - began

    quarter = min(seconds(bomb[: len(bomb) // 4]) for _ in range(2))

    # Quadratic time would be sixteen times that of a quarter.
    assert seconds(bomb) < 10 * quarter + 0.05


def test_the_standard_library_falls_over_a_kilobyte_of_brackets():
    """Control arm: the bomb is one."""
    header = BytesHeaderParser(policy=policy.default)

    with pytest.raises(RecursionError):
        _ = header.parsebytes(b"To: " + b"(" * 2_000 + b"\n\n")["to"]
    assert () == addresses_in(b"(" * 2_000)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading_of_a_header(header):
    assert all(canonical(one.address) == one.address for one in addresses_in(header))


names = st.text("abcäöü ,;.'@-", max_size=12).map(lambda name: name.replace("\\", ""))
addresses = st.from_regex(r"\A[a-z]{1,8}@[a-z]{1,8}\.(?:de|com)\Z")


@given(st.lists(st.tuples(names, addresses), max_size=6), st.sampled_from([", ", ",\r\n ", " ,"]))
def test_nobody_whom_the_standard_library_finds_is_overlooked(people, comma):
    header = comma.join(f'"{name}" <{address}>' for name, address in people)

    assert {address for _, address in getaddresses([header]) if address} <= {
        one.address for one in addresses_in(header.encode())
    }
