"""What a search finds: whole words side by side, and the operators as documented."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.fakes.common.clock import Clock
from tests.fakes.google.errors import Refusal
from tests.fakes.google.mailbox import Mailbox
from tests.fakes.google.query import parse
from tests.fakes.google.search import Searcher
from tests.fakes_own.clients import error_of, mail

PDF = (
    b"From: billing@shop.example\r\nTo: anna@firm.example\r\nSubject: Bill\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nThe zebra is attached.\r\n"
    b"--b\r\nContent-Type: application/pdf\r\n"
    b"Content-Disposition: attachment; filename=bill-march.pdf\r\n\r\nPDF\r\n--b--\r\n"
)

MAILS = {
    "plain": mail("Anna <anna@x.com>", to="me@firm.example"),
    "longer": mail("dr.anna@x.com.au", to="me@firm.example"),
    "inside": mail("joanna@x.com", to="me@firm.example"),
    "domain": mail("anna@xx.com", to="me@firm.example"),
    "tagged": mail("anna+crm@x.com", to="me@firm.example"),
    "sent": mail("me@firm.example", to='"Doe, Anna" <bert@y.org>, carl@z.org'),
    "copied": mail(
        "me@firm.example", to="carl@z.org", extra="Cc: anna@x.com\r\nBcc: dora@w.org\r\n"
    ),
    "listed": mail(
        "news@list.example",
        extra="List-Id: Weekly <weekly.list.example>\r\nMessage-ID: <a{1}@b>\r\n",
    ),
    "pdf": PDF,
    "big": mail("big@size.example", body="x" * 20_000),
}


@pytest.fixture(scope="module")
def mailbox() -> Mailbox:
    mailbox = Mailbox("me@firm.example", Clock())
    mailbox.labels.create("Hot Leads")
    labels = {
        "sent": ["SENT"],
        "copied": ["SENT", "STARRED"],
        "plain": ["INBOX", "UNREAD"],
        "longer": ["INBOX", "Label_1"],
        "pdf": ["TRASH"],
    }
    for number, (name, raw) in enumerate(MAILS.items()):
        moment = datetime(2026, 1, 1 + number, 12, tzinfo=UTC)
        mailbox.add(raw, labels.get(name, ["INBOX"]), moment)
    return mailbox


def found(mailbox: Mailbox, text: str) -> set[str]:
    searcher = Searcher(mailbox, datetime(2026, 1, 11, 12, tzinfo=UTC))
    by_raw = {raw: name for name, raw in MAILS.items()}
    return {by_raw[stored.raw] for stored in searcher.find(parse(text))}


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("plain longer", "from:anna@x.com"),
        ("plain longer", 'from:"anna@x.com"'),
        ("plain longer", "FROM:ANNA@X.COM"),
        ("plain longer", "from:(anna@x.com)"),
        ("longer", "from:dr.anna@x.com"),
        ("tagged", "from:anna+crm@x.com"),
        ("plain longer inside tagged", "from:x.com"),
        ("", "from:ann@x.com"),
        ("", "from:x.co"),
        ("plain longer domain tagged", "from:anna"),
        ("sent", "to:bert@y.org"),
        ("sent copied", "to:carl@z.org"),
        ("", "to:org,carl"),
        ("copied", "cc:anna@x.com"),
        ("copied", "bcc:dora@w.org"),
        ("sent copied", "from:me"),
        ("plain longer copied", "{from:anna@x.com to:anna@x.com cc:anna@x.com bcc:anna@x.com}"),
        ("plain longer copied", "from:anna@x.com OR cc:anna@x.com"),
        ("plain longer inside", "from:(anna@x.com OR joanna@x.com)"),
        ("plain longer inside", "from:{anna@x.com joanna@x.com}"),
        ("copied", "from:me cc:anna"),
        ("copied", "from:me AND cc:anna"),
        ("sent", "from:me -cc:anna"),
        ("sent", "from:me -{cc:anna from:dora}"),
        ("sent copied", "from:me (to:bert OR cc:anna)"),
        ("sent copied", "from:me to:bert OR cc:anna"),
        ("listed", "list:weekly.list.example"),
        ("listed", 'rfc822msgid:"<a{1}@b>"'),
        ("listed", 'rfc822msgid:"A{1}@B"'),
        ("", "rfc822msgid:nothing@b"),
        ("plain", "before:2026/01/02"),
        ("plain", "older:2026-01-02"),
        ("pdf big", "after:2026/01/09"),
        ("plain", "before:01/02/2026"),
        ("big", f"after:{int(datetime(2026, 1, 10, 12, tzinfo=UTC).timestamp())}"),
        ("plain", f"before:{int(datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp())}"),
        ("big", "newer_than:1d"),
        ("plain", "older_than:9d"),
        ("big", "larger:10K"),
        ("big", "size:20000"),
        ("", "larger:1M"),
        ("big", "-smaller:10K"),
        ("sent copied", "in:sent"),
        ("pdf", "in:trash"),
        ("plain", "is:unread"),
        ("copied", "is:starred"),
        ("longer", "label:hot-leads"),
        ("longer", 'label:"hot leads"'),
        ("longer", "has:userlabels"),
        ("", "label:unheard-of"),
        ("pdf", "has:attachment"),
        ("pdf", "filename:pdf"),
        ("pdf", "filename:bill-march.pdf"),
        ("pdf", "subject:bill"),
        ("pdf", "zebra"),
        ("pdf", '"zebra is attached"'),
        ("", '"attached zebra"'),
        ("pdf", "zebra subject:bill +attached"),
        ("plain longer copied", "anna@x.com"),
    ],
)
def test_a_search_finds_what_gmail_would(names, text, mailbox):
    assert set(names.split()) == found(mailbox, text)


def test_an_empty_search_finds_everything(mailbox):
    assert set(MAILS) == found(mailbox, " ")


def test_who_has_no_delivered_to_was_delivered_to_the_mailbox(mailbox):
    assert set(MAILS) - {"sent", "copied"} == found(mailbox, "deliveredto:me@firm.example")


@pytest.mark.parametrize(
    "text",
    [
        "size:many",
        "from:",
        "unheard:of",
        "is:funny",
        "has:youtube",
        "a AROUND 5 b",
        "(from:a",
        "from:a)",
        "{from:a)",
        "after:yesterday",
        "after:2026/13/01",
        "newer_than:3w",
        "- a",
    ],
)
def test_what_is_not_served_is_refused_loudly(text, mailbox):
    with pytest.raises(Refusal) as refused:
        found(mailbox, text)

    assert 501 == refused.value.status


def test_a_refused_search_is_no_empty_answer(users):
    assert (501, "notImplemented") == error_of(users.messages().list(userId="me", q="unheard:of"))
