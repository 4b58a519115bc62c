"""Writes the demo's mails: the same ones each time, dated back from a given moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from itertools import count

from worker.demo.people import COMPANY, JONAS, LEADS, MIRA, PRIVATE, USER, DemoLead, Person
from worker.demo.texts import NOTES

CONVERSATIONS_PER_LEAD = 3
PRIVATE_MAILS = 120
COPIED = {2: MIRA, 4: JONAS}
"""Who of the company gets a copy, by the step of a sale."""
INBOX, SENT, ARCHIVE = "INBOX", "Sent", "Archive"

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>\
endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@dataclass(frozen=True, slots=True)
class DemoMail:
    """A mail, the folder it lies in and when it came there."""

    folder: str
    at: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class Quoted:
    """What an answer answers."""

    message_id: str
    references: tuple[str, ...]
    line: str
    text: str


def demo_mails(now: datetime) -> Iterator[DemoMail]:
    """Yield the mails of the demo's mailbox, newest a day before `now`, not in order of time."""
    numbers = count(1)
    for place, lead in enumerate(LEADS):
        for conversation in range(CONVERSATIONS_PER_LEAD):
            begun = now - timedelta(days=9 + 31 * conversation + place, hours=place)
            yield from conversation_of(lead, conversation, begun, numbers)
    for number in range(PRIVATE_MAILS):
        yield private_mail(number, now - timedelta(days=1 + number * 0.8, minutes=7 * number))


def conversation_of(
    lead: DemoLead, conversation: int, begun: datetime, numbers: Iterator[int]
) -> Iterator[DemoMail]:
    """Yield a sale's mails: the lead writes, the salesperson answers, and so on."""
    language = lead.language
    subject = language.subjects[conversation % len(language.subjects)]
    contact = lead.people[conversation % len(lead.people)]
    quoted: Quoted | None = None
    for step, sentence in enumerate(language.steps[: 7 - conversation]):
        sender, recipient = (contact, USER) if step % 2 == 0 else (USER, contact)
        at = begun + timedelta(days=step, minutes=17 * step)
        message = compose(
            sender,
            (recipient,),
            subject if quoted is None else f"Re: {subject}",
            at,
            f"{next(numbers):05}",
        )
        greeting = language.greeting.format(name=recipient.name)
        text = f"{greeting}\n\n{sentence}\n\n{language.closing}\n{sender.name}\n"
        if sender is USER:
            text += f"\n-- \n{USER.name} | {COMPANY}\n"
        if step in COPIED:
            message["Cc"] = [header_address(COPIED[step])]
        if quoted:
            message["In-Reply-To"] = quoted.message_id
            message["References"] = " ".join(quoted.references)
        write(message, text, quoted, lead, conversation, step)
        line = language.attribution.format(date=f"{at:%d.%m.%Y %H:%M}", name=sender.name)
        message_id = str(message["Message-ID"])
        references = (*(quoted.references if quoted else ()), message_id)
        quoted = Quoted(message_id, references, line, text)
        folder = SENT if sender is USER else ARCHIVE if conversation == 2 else INBOX
        yield DemoMail(folder, at, bytes_of(message))


def write(
    message: EmailMessage,
    text: str,
    quoted: Quoted | None,
    lead: DemoLead,
    conversation: int,
    step: int,
) -> None:
    """Give the message its text, and what belongs to this step of a sale."""
    quote = f"\n{quoted.line}\n{quote_of(quoted.text)}" if quoted else ""
    body = text + quote
    message.set_content(body, charset=charset_for(body, lead.language.charset))
    if (conversation + step) % 2 == 1:
        message.add_alternative(html_of(text, quoted), subtype="html", charset="utf-8")
    if step == 1:
        name = {"de": "Angebot", "fr": "Devis", "ja": "お見積書"}.get(lead.language.code, "Offer")
        message.add_attachment(
            PDF, maintype="application", subtype="pdf", filename=f"{name} {lead.company}.pdf"
        )
    if step == 5:
        message.add_attachment(
            appointment(lead).encode(),
            maintype="text",
            subtype="calendar",
            filename="invite.ics",
            params={"method": "REQUEST", "charset": "utf-8"},
        )


def private_mail(number: int, at: datetime) -> DemoMail:
    """Return a mail that is nobody's business; every fifth is one that the user wrote."""
    other = PRIVATE[number % len(PRIVATE)]
    subject, text = NOTES[number % len(NOTES)]
    sender, recipient = (USER, other) if number % 5 == 4 else (other, USER)
    message = compose(sender, (recipient,), subject, at, f"p{number:05}")
    message.set_content(text + "\n")
    if number % 4 == 1:
        message.add_alternative(f"<p>{escape(text)}</p>", subtype="html")
    return DemoMail(SENT if sender is USER else INBOX, at, bytes_of(message))


def new_mail(lead: DemoLead, at: datetime, subject: str | None, text: str | None) -> bytes:
    """Return a mail of a lead that arrives now."""
    language, contact = lead.language, lead.people[0]
    number = f"n{at:%Y%m%d%H%M%S%f}"
    message = compose(contact, (USER,), subject or language.subjects[0], at, number)
    greeting = language.greeting.format(name=USER.name)
    body = text or language.steps[0]
    whole = f"{greeting}\n\n{body}\n\n{language.closing}\n{contact.name}\n"
    message.set_content(whole, charset=charset_for(whole, language.charset))
    return bytes_of(message)


def charset_for(text: str, usual: str) -> str:
    """Return the charset that is usual in the language, or UTF-8 where it lacks a character."""
    try:
        text.encode(usual)
    except UnicodeEncodeError:
        return "utf-8"
    return usual


def compose(
    sender: Person, recipients: Sequence[Person], subject: str, at: datetime, number: str
) -> EmailMessage:
    """Return a message with its head and nothing in it yet."""
    message = EmailMessage(policy=SMTP)
    message["From"] = header_address(sender)
    message["To"] = [header_address(person) for person in recipients]
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{number}@{sender.address.partition('@')[2]}>"
    return message


def bytes_of(message: EmailMessage) -> bytes:
    """Return the message as it travels, with boundaries that are the same each time."""
    multiparts = (part for part in message.walk() if part.is_multipart())
    for number, part in enumerate(multiparts):
        part.set_boundary(f"=_{str(message['Message-ID']).strip('<>')}_{number}")
    return message.as_bytes()


def header_address(person: Person) -> Address:
    """Return a person as a header names one."""
    return Address(display_name=person.name, addr_spec=person.address)


def quote_of(text: str) -> str:
    """Return the text as an answer quotes it."""
    return "".join(f"> {line}\n" for line in text.splitlines())


def html_of(text: str, quoted: Quoted | None) -> str:
    """Return the text as a mail program writes it in HTML."""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))
    quote = (
        f'<div class="gmail_quote">{escape(quoted.line)}<blockquote>{escape(quoted.text)}'
        "</blockquote></div>"
        if quoted
        else ""
    )
    return f'<html><body style="color:#223">{paragraphs}{quote}</body></html>'


def appointment(lead: DemoLead) -> str:
    """Return an appointment as calendars take it (RFC 5545)."""
    return "\r\n".join(
        (
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Nordlicht Solar//Demo//EN"),
            *("METHOD:REQUEST", "BEGIN:VEVENT", f"UID:{lead.id}@nordlicht-solar.example"),
            *("DTSTAMP:20261101T080000Z", "DTSTART:20261214T080000Z", "DTEND:20261214T150000Z"),
            *(f"SUMMARY:{COMPANY} - {lead.company}", "END:VEVENT", "END:VCALENDAR", ""),
        )
    )
