"""Mails to put into mailboxes."""

from __future__ import annotations


def letter(
    number: int,
    sender: str = "lead@kunde.example",
    to: str = "anna@firma.example",
    body: bytes = b"Guten Tag.\r\n",
    extra: bytes = b"",
) -> bytes:
    """Write a mail; its Message-ID is `<number@test>`."""
    return (
        b"From: Someone <%s>\r\nTo: <%s>\r\nMessage-ID: <%d@test>\r\nSubject: Nr %d\r\n"
        b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n%s\r\n"
        % (sender.encode(), to.encode(), number, number, extra)
    ) + body


def letters(first: int, last: int) -> list[bytes]:
    """Write mails with these numbers."""
    return [letter(number) for number in range(first, last + 1)]
