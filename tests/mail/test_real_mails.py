"""Every real mail is read or refused, never anything else, and none of them takes long (F4)."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mail.limits import Limits, Unparseable
from mail.message import NoSuchPart, _fields, attachment_content, parse
from mail.odd import split_odd
from mail.split import split
from tests.mail.corpus import cases, needs_mails, real_mails

SECONDS = 2.0
"""CPU time that no real mail may take; the slowest takes some hundredths."""


READABLE = [path for path in real_mails() if path.stat().st_size]


@pytest.mark.parametrize("path", cases(READABLE))
def test_a_real_mail_is_read_in_no_time(path: Path):
    raw = path.read_bytes()
    began = time.thread_time()

    message = parse(raw)

    assert time.thread_time() - began < SECONDS
    assert message.text or message.attachments or message.html or not raw.partition(b"\n\n")[2]
    for text in (message.subject, message.text, message.new_text, message.html):
        assert "\x00" not in text
        assert text == text.encode().decode()


@needs_mails
def test_a_file_without_a_byte_is_refused_as_empty():
    empty = [path for path in real_mails() if not path.stat().st_size]

    assert ["sample_output_multipart"] == [path.name for path in empty]
    with pytest.raises(Unparseable, match="empty"):
        parse(empty[0].read_bytes())


@pytest.mark.parametrize("path", cases(READABLE))
def test_each_listed_attachment_can_be_had(path: Path):
    raw = path.read_bytes()
    attachments = parse(raw).attachments

    assert len(attachments) == len({one.part for one in attachments})
    for one in attachments:
        assert one.size == len(attachment_content(raw, one.part))
        assert one.filename
        assert "/" not in one.filename


@pytest.mark.parametrize("path", cases(real_mails()))
def test_a_real_mail_has_one_tree_however_it_is_split(path: Path):
    raw = path.read_bytes().lstrip(b"\r\n")

    quick = split(raw, Limits())

    assert quick is None or split_odd(raw, Limits()) == quick
    assert quick == split(raw, Limits(), fields_once(raw))


@needs_mails
def test_most_real_mails_are_split_quickly():
    """The corpus is made of oddities; of ordinary mails nearly all are."""
    raws = [path.read_bytes().lstrip(b"\r\n") for path in real_mails()]
    usual = [split(raw, Limits()) is not None for raw in raws]

    assert sum(usual) > 0.6 * len(usual)


def test_a_part_that_does_not_exist_cannot_be_had():
    with pytest.raises(NoSuchPart):
        attachment_content(b"From: a@x.de\n\ntext", "7.1")


SMALL = [raw for path in real_mails() if len(raw := path.read_bytes()) < 20_000] or [
    b'From: a@x.de\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\ntext\n--b--\n'
]
MARKS = [
    b"\n", b"\r\n", b"\r", b"--", b"\n--", b":", b" ", b"\n\n", b'"', b";", b"boundary=", b"\t",
    b"=", b"\xff", b"\x00", b"=?utf-8?b?", b"?=", b"multipart/", b"Content-Type: ", b"<", b"@",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a real mail with pieces cut out, doubled, swapped or put in, mostly near its top."""
    raw = bytearray(draw(st.sampled_from(SMALL)))
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(chance.randint(1, 5)):
        reach = len(raw) if chance.random() < 0.4 else min(len(raw), 1_500)
        here, there = chance.randint(0, reach), chance.randint(0, len(raw))
        change = chance.randrange(4)
        if change == 0:
            del raw[here : here + chance.choice([1, 1, 3, 40, 400])]
        elif change == 1:
            raw[here:here] = chance.choice(MARKS)
        elif change == 2:
            raw[here:here] = raw[there : there + chance.choice([5, 50, 500])]
        else:
            raw[here : here + 1] = chance.randbytes(1)
    return bytes(raw)


@given(mutated())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_broken_mail_is_read_or_refused_and_nothing_else(raw):
    try:
        message = parse(raw)
    except Unparseable:
        return
    for one in message.attachments:
        assert one.size == len(attachment_content(raw, one.part))


@given(mutated())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_broken_mail_has_one_tree_however_it_is_split(raw):
    raw = raw.lstrip(b"\r\n")
    try:
        quick = split(raw, Limits())
    except Unparseable:
        return

    assert quick is None or split_odd(raw, Limits()) == quick
    assert quick == split(raw, Limits(), fields_once(raw))


def fields_once(raw: bytes) -> dict[bytes, bytes]:
    """Return a mail's fields as `parse` reads them, before it is split."""
    return {name: values[0] for name, values in _fields(raw, Limits()).items()}


@given(st.binary(max_size=2_000))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused_and_nothing_else(raw):
    with suppress(Unparseable):
        parse(raw)
