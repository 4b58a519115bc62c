"""A salesperson's mailbox, made up but alike each time: 20,000 mails, a gigabyte, ten folders."""

from __future__ import annotations

import base64
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

OWNER = "sales@ours.example"
FOLDERS = ("INBOX", "Sent", *(f"Projects/{name}" for name in "ABCDEFGH"))
LEADS = 200
FIRMS = 300
LEAD_SHARE = 0.15
REPLY_SHARE = 0.4
BEGAN = datetime(2023, 1, 2, 8, tzinfo=UTC)
_WORDS = (
    "the offer contract delivery we meeting price quantity please project invoice and sample "
    "der Vertrag Angebot wir Lieferung Termin und Muster Rechnung für über Größe Änderung "
    "le contrat nous livraison réunion prix échantillon avec facture délai société "
    "customer support schedule version budget quarter approval signature attached regards"
).split()
_NAMES = "Anna Jürgen Chloé Marek Sofia Łukasz Inês Henrik Giulia Zoë Bram Eszter".split()
_STYLE = "font-family:Calibri,sans-serif;font-size:11.0pt;margin:0cm;color:#1F1F1F"


@dataclass(frozen=True, slots=True)
class Corpus:
    """The mails of a mailbox as files; `matching` of them name one of the leads."""

    directory: Path
    mails: int
    matching: int
    octets: int

    def files(self, folder: str) -> list[Path]:
        """Return a folder's mails, oldest first."""
        return sorted((self.directory / str(FOLDERS.index(folder))).iterdir())


def lead_addresses() -> list[str]:
    """Return the addresses of the leads."""
    return [f"buyer{n}@lead{n}.example" for n in range(LEADS)]


def firm_domains() -> list[str]:
    """Return the domains that all mails which name no lead come from or go to."""
    return [f"firm{n}.example" for n in range(FIRMS)]


def make_corpus(mails: int) -> Corpus:
    """Make the mails, or find them where an earlier run left them."""
    place = Path(tempfile.gettempdir()) / f"leadmail-bench-{os.geteuid()}-{mails}-3"
    done = place / "done"
    if not done.exists():
        for number in range(len(FOLDERS)):
            (place / str(number)).mkdir(parents=True, exist_ok=True)
        octets = matching = 0
        for number, (is_lead, mail) in enumerate(Author().write(mails)):
            folder = place / str(number % len(FOLDERS))
            (folder / f"{number:06d}").write_bytes(mail)
            octets += len(mail)
            matching += is_lead
        done.write_text(f"{matching} {octets}")
    matching, octets = map(int, done.read_text().split())
    return Corpus(place, mails, matching, octets)


class Author:
    """Writes mails, the same ones each time for the same seed."""

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)
        sentences = [self._sentence() for _ in range(4000)]
        self._prose = " ".join(sentences)
        self._noise = base64.encodebytes(self._random.randbytes(3 * 2**20)).replace(b"\n", b"\r\n")
        self._threads: dict[str, list[str]] = {}

    def write(self, count: int, first: int = 0) -> Iterator[tuple[bool, bytes]]:
        """Yield mails, oldest first, and whether each names a lead."""
        leads, firms = lead_addresses(), firm_domains()
        for number in range(first, first + count):
            is_lead = self._random.random() < LEAD_SHARE
            if is_lead:
                other = self._random.choice(leads)
            else:
                other = f"person{self._random.randrange(12)}@{self._random.choice(firms)}"
            yield is_lead, self.mail(number, other)

    def mail(self, number: int, other: str, small: bool = False) -> bytes:
        """Return one mail between the owner and another."""
        sent = FOLDERS[number % len(FOLDERS)] == "Sent"
        name = self._random.choice(_NAMES)
        sides = [f"{_encoded(name)} <{other}>", f"Sales <{OWNER}>"]
        sender, recipient = reversed(sides) if sent else sides
        own = f"{number}.{self._random.getrandbits(64):x}@mail.example"
        thread = self._threads.setdefault(other, [])
        if thread and self._random.random() < REPLY_SHARE:
            reference = f"In-Reply-To: <{thread[-1]}>\r\nReferences: " + "\r\n ".join(
                f"<{each}>" for each in thread[-8:]
            )
            subject = "Re: "
        else:
            thread.clear()
            reference = "X-Mailer: Made for measuring"
            subject = ""
        subject += _encoded(self._text(40, 70).replace("\r\n", " "))
        thread.append(own)
        kind, body = self._body(small, quotes=bool(subject.startswith("Re: ")), other=other)
        when = format_datetime(BEGAN + timedelta(minutes=47 * number))
        head = (
            f"Return-Path: <{other}>\r\nDelivered-To: {OWNER}\r\n"
            + "".join(self._trace(when) for _ in range(1 if small else 4))
            + f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\nDate: {when}\r\n"
            f"Message-ID: <{own}>\r\n{reference}\r\nMIME-Version: 1.0\r\n{kind}"
        )
        return head.encode() + b"\r\n" + body

    def with_file(self, head: bytes, size: int) -> bytes:
        """Return a mail of these header fields with one attachment of so many bytes."""
        plain = (_field("text/plain; charset=utf-8", "8bit"), self._text(300, 900).encode())
        noise = self._noise[: len(self._noise) // 78 * 78]
        file = (noise * (size // len(noise) + 1))[: size // 78 * 78]
        attached = _field("application/zip", "base64")
        attached += 'Content-Disposition: attachment; filename="all.zip"\r\n'
        kind, body = _multipart("mixed", "=_huge", [plain, (attached, file)])
        return head + b"\r\n" + kind.encode() + b"\r\n" + body

    def _body(self, small: bool, quotes: bool, other: str) -> tuple[str, bytes]:
        """Return the header fields of the content, and the content.

        Four in ten are plain text, five have HTML beside it, one has attachments.
        """
        kind = 0 if small else self._random.randrange(10)
        text = self._text(300, 900) if small else self._text(1200, 6000)
        if quotes:
            old = self._text(300, 3000).replace("\r\n", "\r\n> ")
            text += f"\r\n\r\nOn Mon, 2 Jan 2023 at 08:00, Somebody <{other}> wrote:\r\n> {old}\r\n"
        plain = _field("text/plain; charset=utf-8", "8bit")
        if kind < 4:
            return plain, text.encode()
        html = self._html(text, quotes)
        edge = f"=_{self._random.getrandbits(96):024x}"
        parts = [(plain, text.encode()), (_field("text/html; charset=utf-8", "8bit"), html)]
        whole = _multipart("alternative", edge, parts)
        if kind < 9:
            return whole
        files: list[tuple[str, bytes]] = [whole]
        for number in range(self._random.randrange(1, 4)):
            size = int(min(2.6e6, self._random.expovariate(1 / 165_000) + 8_000))
            begin = self._random.randrange(len(self._noise) - size) // 78 * 78
            name = f"Angebot {number}.pdf"
            kind_field = _field(f'application/pdf; name="{name}"', "base64")
            kind_field += f'Content-Disposition: attachment; filename="{name}"\r\n'
            files.append((kind_field, self._noise[begin : begin + size // 78 * 78]))
        return _multipart("mixed", edge + "x", files)

    def _html(self, text: str, quotes: bool) -> bytes:
        shown = "".join(
            f'<p class="MsoNormal" style="{_STYLE}"><span lang="EN-US">{line}</span></p>\r\n'
            for line in text.splitlines()
        )
        cells = "".join(
            f'<tr><td style="{_STYLE};padding:4px" width="120">{self._text(20, 60)}</td>'
            f'<td style="{_STYLE}"><a href="https://www.example.com/{n}">{n}</a></td></tr>\r\n'
            for n in range(self._random.randrange(60))
        )
        tail = f'<blockquote type="cite">{shown}</blockquote>' if quotes else ""
        return (
            f"<html><head><style>p {{{_STYLE}}}</style></head><body>\r\n{shown}"
            f"<table>{cells}</table>{tail}</body></html>\r\n"
        ).encode()

    def _trace(self, when: str) -> str:
        key = self._random.getrandbits(1024)
        return (
            f"Received: from mx{key % 97}.example (mx{key % 97}.example [192.0.2.{key % 255}])\r\n"
            f"\tby in.ours.example with ESMTPS id {key % 10**12:x};\r\n\t{when}\r\n"
            f"X-Trace: {key:x}\r\n"
        )

    def _text(self, least: int, most: int) -> str:
        size = self._random.randrange(least, most)
        begin = self._random.randrange(len(self._prose) - size)
        words = self._prose[begin : begin + size]
        return "\r\n".join(words[at : at + 72] for at in range(0, len(words), 72))

    def _sentence(self) -> str:
        words = self._random.choices(_WORDS, k=self._random.randrange(5, 16))
        return " ".join(words).capitalize() + "."


def _encoded(text: str) -> str:
    if text.isascii():
        return text
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def _field(content_type: str, encoding: str) -> str:
    return f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n"


def _multipart(kind: str, edge: str, parts: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    mark = b"--" + edge.encode()
    body = b"".join(b"%s\r\n%s\r\n%s\r\n" % (mark, head.encode(), each) for head, each in parts)
    return f'Content-Type: multipart/{kind}; boundary="{edge}"\r\n', body + mark + b"--\r\n"
