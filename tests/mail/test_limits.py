"""Limits hold before any parser sees a mail, and the bombs are bombs for a bare parser (F4)."""

from __future__ import annotations

import time
from collections.abc import Callable
from email import message_from_bytes

import pytest

from mail.limits import Limits, Reason, Unparseable
from mail.message import parse
from tests.mail.written import multipart


def nested(depth: int) -> bytes:
    """Return multiparts in multiparts, none of them ever closed."""
    return b"From: a@x.de\n" + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level)
        for level in range(depth)
    )


def empty_parts(count: int) -> bytes:
    return b'From: a@x.de\nContent-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\n" * count


@pytest.mark.parametrize(
    ("reason", "raw"),
    [
        (Reason.EMPTY, b""),
        (Reason.EMPTY, b"\r\n \r\n"),
        (Reason.MESSAGE_TOO_LARGE, b"From: a@x.de\n\n" + b"x" * 70_000_000),
        (Reason.HEADER_TOO_LARGE, b"To: " + b"a@x.de,\n " * 70_000 + b"\n\ntext"),
        (Reason.TOO_DEEP, nested(3_000)),
        (Reason.TOO_DEEP, nested(40).replace(b"multipart", b"mULTIpart")),
        (Reason.TOO_DEEP, nested(40).replace(b'="b', b'="x\n b').replace(b"--b", b"--x b")),
        (Reason.TOO_DEEP, nested(40).replace(b'boundary="b', b'boundary*0*="\'\'%62')),
        (Reason.TOO_MANY_PARTS, empty_parts(280_000)),
        (Reason.TOO_MANY_LINES, b"From: a@x.de\n\n" + b"\r" * 2_500_000),
    ],
    ids=[
        "nothing", "white space", "70 MB", "630 kB of recipients", "178 kB of nested multiparts",
        "odd case", "folded boundaries", "encoded boundaries", "1.4 MB of empty parts",
        "lines without end",
    ],
)  # fmt: skip
def test_a_mail_beyond_a_limit_is_refused_with_its_reason(reason, raw):
    with pytest.raises(Unparseable) as refused:
        parse(raw)

    assert reason is refused.value.reason


def test_a_refusal_tells_nothing_of_the_mail():
    with pytest.raises(Unparseable, match=r"\Atoo-deep\Z"):
        parse(nested(100))


def test_nested_multiparts_break_the_bare_parser():
    """Control arm: without the limit this is a RecursionError."""
    with pytest.raises(RecursionError):
        message_from_bytes(nested(3_000))


def test_empty_parts_cost_the_bare_parser_many_times_what_refusing_them_costs():
    """Control arm: 1.4 MB of them took it 6.8 s."""
    raw = empty_parts(20_000)

    def refuse() -> None:
        with pytest.raises(Unparseable):
            parse(raw)

    assert seconds(lambda: message_from_bytes(raw)) > 10 * seconds(refuse)


def seconds(step: Callable[[], object]) -> float:
    began = time.thread_time()
    step()
    return time.thread_time() - began


def test_lines_that_only_look_like_boundaries_count_for_nothing():
    """A changelog or a diff in the text has thousands of them."""
    raw = (
        b'From: a@x.de\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\n'
        + b"--- a/file\n+++ b/file\n" * 5_000
        + b"--b--\n"
    )

    assert 5_000 == parse(raw).text.count("--- a/file")


def test_a_mail_as_deep_and_as_wide_as_allowed_passes():
    wide = empty_parts(900) + b"--b--\n"

    assert () == parse(nested(25)).attachments
    assert "" == parse(wide).text


@pytest.mark.parametrize(
    "limits", [Limits(message=10), Limits(header=10), Limits(parts=2, depth=1)]
)
def test_limits_are_settings(limits):
    raw = b'From: a@x.de\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\n--b\n\n--b--\n'

    parse(raw)
    with pytest.raises(Unparseable):
        parse(raw, limits)


def test_a_text_beyond_its_limit_is_attached_instead_of_shown():
    message = parse(b"From: a@x.de\n\n" + b"long " * 100, Limits(text=100))

    assert "" == message.text
    assert [("1", 500)] == [(one.part, one.size) for one in message.attachments]


def test_many_heavy_pieces_of_html_weigh_what_one_weighs():
    part = b"Content-Type: text/html\r\n\r\n" + b"<div>" * 6_000
    light = parse(multipart(b"mixed", part, part))
    began = time.thread_time()

    heavy = parse(multipart(b"mixed", *[part] * 30))

    assert () == light.attachments
    assert 27 == len(heavy.attachments)
    assert time.thread_time() - began < 8
