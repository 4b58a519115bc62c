"""What hangs on a mail: which parts are files, what they are called, and their bytes."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.message import attachment_content, parse
from tests.mail.written import HEAD, HTML, PDF, PLAIN, mail, multipart


def test_a_text_around_an_attachment_is_one_text():
    footer = PLAIN.replace(b"Hello", b"-- list footer")

    message = parse(multipart(b"mixed", PLAIN, PDF, footer))

    assert "Hello\n\n-- list footer" == message.text
    assert [("2", "a.pdf", "application/pdf", 8, False)] == [
        (one.part, one.filename, one.content_type, one.size, one.inline)
        for one in message.attachments
    ]


def test_a_picture_that_the_html_shows_is_inline():
    html = b'Content-Type: text/html\r\n\r\n<img src="cid:logo@x"><p>Hi</p>'
    logo = b"Content-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\n\r\nPNG"
    other = b"Content-Type: image/png; name=photo.png\r\nContent-ID: <photo@x>\r\n\r\nPNG"

    message = parse(multipart(b"related", html, logo, other))

    assert [("logo.png", "logo@x", True), ("photo.png", "photo@x", False)] == [
        (one.filename, one.content_id, one.inline) for one in message.attachments
    ]
    assert '<img src="cid:logo@x"><p>Hi</p>' == message.html


ATTACHED = b"Content-Disposition: attachment; "


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("Angebot.pdf", ATTACHED + b"filename=Angebot.pdf"),
        ("Angebot März.pdf", ATTACHED + b"filename*=utf-8''Angebot%20M%C3%A4rz.pdf"),
        ("Angebot März.pdf",
         ATTACHED + b"filename*0*=utf-8''Angebot%20;\r\n filename*1*=M%C3%A4rz;filename*2=.pdf"),
        ("Angebot März.pdf",
         ATTACHED + b'filename="=?utf-8?q?Angebot_M=C3=A4rz=2Epdf?="'),
        ("März.pdf", ATTACHED + 'filename="März.pdf"'.encode()),
        ("März.pdf", ATTACHED + 'filename="März.pdf"'.encode("latin-1")),
        ("a b.pdf", ATTACHED + b"filename=a b.pdf"),
        ("a;b.pdf", ATTACHED + b'filename="a;b.pdf"'),
        ('a"b.pdf', ATTACHED + b'filename="a\\"b.pdf"'),
        ("passwd", ATTACHED + b'filename="../../etc/passwd"'),
        ("a.pdf", ATTACHED + b'filename="C:\\\\temp\\\\a.pdf"'),
        ("evil fdp.exe", ATTACHED + b"filename*=utf-8''evil%E2%80%AEfdp.exe"),
        ("かき.pdf",
         b"Content-Type: application/pdf; name=\"=?iso-2022-jp?b?GyRCJCskLRsoQi5wZGY=?=\""),
        ("part-1.pdf", b"Content-Type: application/pdf"),
        ("smime.p7m", b"Content-Type: application/pkcs7-mime"),
        ("invite.ics", b"Content-Type: text/calendar; method=REQUEST"),
        ("part-1.bin", b"Content-Type: application/x-whatever"),
    ],
    ids=lambda value: None if isinstance(value, str) else value[-30:].decode("latin-1"),
)  # fmt: skip
def test_an_attachment_has_the_name_that_was_meant(name, head):
    body = multipart(b"mixed", head + b"\r\n\r\nx")

    assert [name] == [one.filename for one in parse(body).attachments]


def test_a_forwarded_mail_is_attached_under_its_subject():
    inner = b"Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nold"
    raw = multipart(b"mixed", PLAIN, inner)

    (one,) = parse(raw).attachments

    assert ("2", "Grüße.eml", "message/rfc822") == (one.part, one.filename, one.content_type)
    assert b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nold" == attachment_content(raw, "2")
    assert "Hello" == parse(raw).text


def test_an_invitation_keeps_its_method():
    invite = b"Content-Type: text/calendar; charset=utf-8; method=request\r\n\r\nBEGIN:VCALENDAR"

    (one,) = parse(multipart(b"alternative", PLAIN, HTML, invite)).attachments

    assert ("invite.ics", "text/calendar; method=REQUEST") == (one.filename, one.content_type)


def test_a_signed_mail_shows_its_text_and_keeps_its_signature():
    signature = (
        b"Content-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n"
        b"iQ==\r\n-----END PGP SIGNATURE-----"
    )

    message = parse(multipart(b"signed", PLAIN, signature))

    assert "Hello" == message.text
    assert [("2", "part-2.asc")] == [(one.part, one.filename) for one in message.attachments]


def test_an_encrypted_mail_is_kept_as_it_came():
    raw = multipart(
        b"encrypted",
        b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1",
        b"Content-Type: application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP",
    )

    assert ["part-1.asc", "encrypted.asc"] == [one.filename for one in parse(raw).attachments]
    assert b"-----BEGIN PGP" == attachment_content(raw, "2")


def test_flowed_lines_are_joined():
    text = b"A long \r\nline.\r\n\r\n> quoted \r\n> more\r\n-- \r\nErika"

    assert (
        "A long line.\n\n> quoted more\n-- \nErika"
        == mail(b"Content-Type: text/plain; format=flowed", text).text
    )


def test_flowed_lines_lose_the_space_that_delsp_says_is_none():
    head = b"Content-Type: text/plain; format=flowed; delsp=yes"

    assert "Donaudampfschiff" == mail(head, b"Donaudampf \r\nschiff").text


def test_a_uuencoded_file_is_taken_out_of_the_text():
    text = b"See below\r\n\r\nbegin 644 hello.txt\r\n%:&5L;&\\\r\n`\r\nend\r\nBye"
    raw = HEAD + b"\r\n" + text

    message = parse(raw)

    assert "See below\n\nBye" == message.text
    assert [("1.u1", "hello.txt", 5)] == [(a.part, a.filename, a.size) for a in message.attachments]
    assert b"hello" == attachment_content(raw, "1.u1")


@pytest.mark.parametrize(
    "words", [b"begin 644 the work", b"begin 100 x\r\nand\r\nend", b"the\r\nend"]
)
def test_own_words_that_begin_and_end_stay(words):
    assert words.decode().replace("\r\n", "\n") == mail(b"X: y", words).text


def tnef(name: bytes, content: bytes) -> bytes:
    """Return a winmail.dat with one file in it."""

    def attribute(level: int, id_: int, kind: int, value: bytes) -> bytes:
        head = struct.pack("<BHHI", level, id_, kind, len(value))
        return head + value + struct.pack("<H", sum(value) & 0xFFFF)

    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(1, 0x9006, 8, struct.pack("<I", 0x10000))
        + attribute(2, 0x9002, 6, b"\x01\x00" + b"\x00" * 12)
        + attribute(2, 0x8010, 1, name + b"\x00")
        + attribute(2, 0x800F, 6, content)
    )


def test_a_winmail_dat_is_named_by_its_contents():
    outer = (
        b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64"
    )
    packed = tnef(b"offer.pdf", b"%PDF-1.4")
    raw = multipart(b"mixed", PLAIN, outer + b"\r\n\r\n" + base64.encodebytes(packed))

    message = parse(raw)

    assert [("2", "winmail.dat"), ("2.t1", "offer.pdf")] == [
        (one.part, one.filename) for one in message.attachments
    ]
    assert b"%PDF-1.4" == attachment_content(raw, "2.t1")


@pytest.mark.parametrize("cut", range(0, 120, 7))
def test_a_broken_winmail_dat_is_an_attachment_all_the_same(cut):
    packed = tnef(b"offer.pdf", b"%PDF-1.4")[:cut]
    outer = b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n"

    message = parse(multipart(b"mixed", PLAIN, outer + packed.replace(b"\n", b"x")))

    assert "winmail.dat" == message.attachments[0].filename


PIECES = st.sampled_from(
    (b"QUJD", b"Q", b"+/", b"=", b"==", b"\r\n", b"\n", b"\r", b" ", b"!", b"-")
)


@given(body=st.lists(PIECES, max_size=12).map(b"".join))
def test_the_size_of_base64_is_that_of_its_bytes_however_broken_it_is(body):
    file = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64"
    raw = multipart(b"mixed", file + b"\r\n\r\n" + body)

    message = parse(raw)

    assert [len(attachment_content(raw, "1"))] == [one.size for one in message.attachments]
