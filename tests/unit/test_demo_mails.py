"""The demo's mailbox is the same each time, names nobody real, and holds what it promises."""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default

from worker.demo.mails import PRIVATE_MAILS, demo_mails, new_mail
from worker.demo.people import LEADS, USER

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAILS = list(demo_mails(NOW))


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=default)


def concerns_a_lead(raw: bytes) -> bool:
    message = parsed(raw)
    named = {
        address.addr_spec
        for name in ("From", "To", "Cc")
        for header in message.get_all(name, [])
        for address in header.addresses
    }
    return any(person.address in named for lead in LEADS for person in lead.people)


def test_it_is_the_same_each_time():
    assert MAILS == list(demo_mails(NOW))


def test_most_of_it_concerns_leads_and_the_rest_is_private():
    leads = sum(concerns_a_lead(mail.raw) for mail in MAILS)

    assert (300, 180, PRIVATE_MAILS) == (len(MAILS), leads, len(MAILS) - leads)


def test_every_domain_in_it_is_reserved_for_examples():
    domains = {
        domain.decode() for mail in MAILS for domain in re.findall(rb"@([a-z.-]+)", mail.raw)
    }

    assert domains
    assert [] == [domain for domain in domains if not domain.endswith(".example")]


def test_every_mail_has_an_id_of_its_own_and_came_before_now():
    ids = {parsed(mail.raw)["Message-ID"] for mail in MAILS}

    assert len(MAILS) == len(ids)
    assert all(timedelta() < NOW - mail.at < timedelta(days=120) for mail in MAILS)


def test_many_charsets_html_attachments_and_answers_are_in_it():
    parts = [part for mail in MAILS for part in parsed(mail.raw).walk()]
    kinds = {part.get_content_type() for part in parts}
    charsets = {part.get_content_charset() for part in parts} - {None}

    assert {"text/plain", "text/html", "application/pdf", "text/calendar"} <= kinds
    assert {"utf-8", "iso-8859-1", "iso-8859-2", "iso-2022-jp", "windows-1252"} <= charsets
    assert 100 < sum(b"\nReferences: " in mail.raw for mail in MAILS)


def test_a_new_mail_comes_from_the_lead_to_the_user():
    for lead in LEADS:
        message = parsed(new_mail(lead, NOW, "Noch eine Frage: 10 €?", None))

        assert lead.people[0].address == message["From"].addresses[0].addr_spec
        assert USER.address == message["To"].addresses[0].addr_spec
        assert "Noch eine Frage: 10 €?" == message["Subject"]
