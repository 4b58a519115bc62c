"""A whole mail as values: who, when, what it says, and what hangs on it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from mail.message import attachment_content, parse
from tests.mail.written import HEAD, HTML, PLAIN, mail, multipart


def test_a_mail_is_read_into_values():
    message = parse(
        HEAD
        + b"Cc: Otto <otto@example.org>\r\nBcc: b@x.de\r\nSender: bot@x.de\r\nReply-To: r@x.de\r\n"
        b"Subject: =?utf-8?q?Angebot_f=C3=BCr?=\r\n =?utf-8?q?_Erika?=\r\n"
        b"Message-ID: <1@x>\r\nDate: Mon, 2 Mar 2026 12:30:00 +0100\r\n"
        b"Content-Type: text/plain; charset=iso-8859-1\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n"
    )

    assert ("Jan", "jan@example.com") == (message.from_[0].name, message.from_[0].address)
    assert ["erika@lead.example"] == [one.address for one in message.to]
    assert [("Otto", "otto@example.org")] == [(one.name, one.address) for one in message.cc]
    assert ["b@x.de"] == [one.address for one in message.bcc]
    assert ["bot@x.de"] == [one.address for one in message.sender]
    assert ["r@x.de"] == [one.address for one in message.reply_to]
    assert "Angebot für Erika" == message.subject
    assert "1@x" == message.message_id
    assert datetime(2026, 3, 2, 11, 30, tzinfo=UTC) == message.sent_at
    assert "Grüße" == message.text
    assert "" == message.html
    assert () == message.attachments
    assert not message.auto_submitted


@pytest.mark.parametrize(
    ("sent_at", "date"),
    [
        (datetime(2026, 3, 2, 12, tzinfo=UTC), b"Mon, 2 Mar 2026 12:00:00 GMT"),
        (datetime(2026, 3, 2, 12, tzinfo=UTC), b"2 Mar 2026 12:00:00 -0000"),
        (datetime(2026, 3, 2, 17, tzinfo=UTC), b"Mon, 2 Mar 2026 12:00:00 EST"),
        (datetime(2026, 3, 2, 12, tzinfo=UTC), b"Mon, 2 Mar 2026 12:00:00 +0000 (UTC)"),
        (None, b"yesterday"),
        (None, b""),
        (None, b"Mon, 2 Mar 9999 12:00:00 +0000"),
        (None, b"Mon, 32 Mar 2026 12:00:00 +0000"),
        (None, b"Mon, 1 Jan 1000 00:00:00 +1400"),
        (None, b"Mon, 2 Mar 2026 12:00:00 +99999999999999"),
    ],
)
def test_a_date_is_utc_or_none(sent_at, date):
    assert sent_at == mail(b"Date: " + date).sent_at


@pytest.mark.parametrize(
    ("references", "head"),
    [
        (("a@x", "b@x", "c@x"), b"References: <a@x>\r\n <b@x>\r\nIn-Reply-To: <c@x>"),
        (("a@x", "b@x"), b"In-Reply-To: <b@x>\r\nReferences: <a@x> <b@x>"),
        (("a@x",), b"In-Reply-To: Your mail of Monday <a@x>"),
        (("a@x", "b@x"), b"References: a@x b@x"),
        ((), b"In-Reply-To:"),
        (("ab@x",), b"References: <a\r\n b@x>"),
    ],
)
def test_references_come_in_order_and_once(references, head):
    assert references == mail(head).references


def test_of_too_many_references_the_first_and_the_last_are_kept():
    references = mail(
        b"References:" + b"".join(b"\r\n <%d@x>" % n for n in range(5_000))
    ).references

    assert (200, "0@x", "4999@x") == (len(references), references[0], references[-1])


def test_of_two_forms_the_plain_one_is_the_text_and_html_is_made_harmless():
    message = parse(multipart(b"alternative", PLAIN, HTML.replace(b"<b>", b"<b onclick=x>")))

    assert "Hello" == message.text
    assert "<p>Hello <b>Erika</b></p>" == message.html
    assert () == message.attachments


def test_html_alone_is_read_as_text():
    message = mail(
        b"Content-Type: text/html", b"<p>Hello</p><blockquote type=cite>old</blockquote>"
    )

    assert "Hello\n\nold" == message.text
    assert "Hello" == message.new_text


def test_an_empty_plain_form_hides_no_html():
    assert "Hello Erika" == parse(multipart(b"alternative", PLAIN[:-5] + b" ", HTML)).text


@pytest.mark.parametrize(
    ("is_automatic", "head"),
    [
        (True, b"Auto-Submitted: auto-replied"),
        (True, b"Auto-Submitted: auto-generated (failure)"),
        (True, b"X-Autoreply: yes"),
        (False, b"Auto-Submitted: no"),
        (False, b"X-Mailer: x"),
    ],
)
def test_a_mail_that_a_program_sent_by_itself_says_so(is_automatic, head):
    assert is_automatic == mail(head).auto_submitted


@pytest.mark.parametrize(
    ("text", "head", "body"),
    [
        ("Hello", b"Content-Transfer-Encoding: base64", b"SGVs\r\nbG8"),
        ("Hello", b"Content-Transfer-Encoding: base64", b"SGVs!bG8=\r\n\r\n--\r\nlist footer"),
        ("a=ZZb", b"Content-Transfer-Encoding: quoted-printable", b"a=ZZb"),
        ("Hello", b"Content-Transfer-Encoding: 8-bit; really", b"Hello"),
        ("Grüße", b"Content-Type: text", "Grüße".encode()),
        ("Grüße", b"Content-Type: text/plain; charset=\"utf-8", "Grüße".encode()),
        ("Hello", b"Content-Type: multipart/mixed", b"Hello"),
        ("Hello", b"Content-Type: multipart/mixed; boundary=x", b"Hello"),
        ("Hello", b"Content-Type: ;;;", b"Hello"),
        ("a\nb", b"X: y", b"a\rb"),
    ],
)  # fmt: skip
def test_a_broken_part_still_tells_its_text(text, head, body):
    assert text == mail(head, body).text


def test_what_the_standard_library_writes_is_read_back():
    given = EmailMessage()
    given["From"] = "Jörg Müller <joerg@example.com>"
    given["To"] = "erika@lead.example"
    given["Subject"] = "Grüße " * 30
    given.set_content("Schöne Grüße\n" * 3)
    given.add_alternative("<p>Schöne Grüße</p>", subtype="html")
    given.add_attachment(bytes(range(256)) * 9, maintype="image", subtype="png", filename="ä.png")
    raw = given.as_bytes()

    message = parse(raw)

    assert "Jörg Müller" == message.from_[0].name
    assert ("Grüße " * 30).strip() == message.subject
    assert "Schöne Grüße\n" * 2 + "Schöne Grüße" == message.text
    assert "<p>Schöne Grüße</p>" == message.html.strip()
    assert ["ä.png"] == [one.filename for one in message.attachments]
    assert bytes(range(256)) * 9 == attachment_content(raw, message.attachments[0].part)
