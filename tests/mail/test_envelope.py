"""The header scan finds whom the whole parse finds."""

from __future__ import annotations

from email.parser import BytesHeaderParser
from email.utils import getaddresses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.address import canonical
from mail.envelope import scan
from mail.limits import Unparseable
from mail.message import parse
from tests.mail.corpus import cases, real_mails


def test_a_scan_tells_senders_recipients_and_the_id():
    found = scan(
        b'From: "Muster, Jan" <jan@example.com>\r\nSender: bot@example.com\r\n'
        b"TO: Erika\r\n\t<erika@lead.example>,\r\n Otto <otto@example.org>\r\n"
        b"Cc: =?utf-8?q?J=C3=BCrg?= <j@y.de>\r\nBcc: k@y.de\r\n"
        b"Reply-To: desk@example.com\r\nMessage-ID:\r\n <abc@def>\r\n\r\n"
    )

    assert ("jan@example.com", "bot@example.com") == found.sender
    assert ("erika@lead.example", "otto@example.org", "j@y.de", "k@y.de") == found.recipients
    assert ("desk@example.com",) == found.reply_to
    assert "abc@def" == found.message_id


@pytest.mark.parametrize("newline", [b"\r\n", b"\n", b"\r"], ids=["CRLF", "LF", "CR"])
def test_folded_recipients_are_found(newline):
    """A matcher that overlooks folded lines lost 77 of 20,000 mails."""
    header = b"To: a@x.de," + newline + b"\tb@x.de," + newline + b"  c@x.de" + newline

    assert ("a@x.de", "b@x.de", "c@x.de") == scan(header).recipients


def test_an_open_quote_in_one_field_hides_nobody_in_the_next():
    found = scan(b'From: "Jan <jan@x.de>\nSender: "Bot" <bot@x.de>\n')

    assert ("jan@x.de", "bot@x.de") == found.sender


def test_the_fields_of_two_froms_count_together():
    assert ("a@x.de", "b@x.de") == scan(b"From: a@x.de\nFrom: b@x.de\n").sender


@pytest.mark.parametrize("path", cases(real_mails()))
def test_a_scan_and_a_parse_name_the_same_people(path: Path):
    raw = path.read_bytes().lstrip(b"\r\n")

    found = scan(raw)
    try:
        message = parse(raw)
    except Unparseable:
        return

    assert {one.address for one in (*message.from_, *message.sender)} == set(found.sender)
    assert {one.address for one in (*message.to, *message.cc, *message.bcc)} == set(
        found.recipients
    )
    assert {one.address for one in message.reply_to} == set(found.reply_to)
    assert message.message_id == found.message_id


@pytest.mark.parametrize("path", cases(real_mails()))
def test_a_scan_finds_whom_the_standard_library_finds(path: Path):
    raw = path.read_bytes().lstrip(b"\r\n")
    header = BytesHeaderParser().parsebytes(raw)
    named = [
        str(value).encode("ascii", "surrogateescape").decode("utf-8", "replace")
        for field, value in header.raw_items()
        if field.lower() in ("from", "sender", "to", "cc", "bcc", "reply-to")
    ]
    # The standard library takes a name such as `Mikel@Lindsaar <…>` for an address.
    expected = {
        address
        for _, written in getaddresses(named)
        if (address := canonical(written)) and address != "mikel@lindsaar"
    }

    found = scan(raw)

    assert expected <= {*found.sender, *found.recipients, *found.reply_to}


@given(
    st.binary(max_size=400) | st.text('To:Ccfrm ,;<>@"()\\=?a.\r\n\t', max_size=200).map(str.encode)
)
def test_no_bytes_break_a_scan_and_a_parse_agrees(header):
    raw = b"From: a@x.de\nCc: " + header

    found = scan(raw)
    message = parse(raw)

    assert {one.address for one in (*message.to, *message.cc, *message.bcc)} == set(
        found.recipients
    )
