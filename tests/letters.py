"""Mails that tests write: small, each with bytes of its own, and told apart by Message-ID."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def letter(
    message_id: str,
    sender: str,
    to: str,
    *,
    answers: Sequence[str] = (),
    cc: str = "",
    subject: str = "An offer",
    text: str = "",
    at: datetime = NOON,
) -> bytes:
    """Return a mail; `answers` are the Message-IDs of its thread, the oldest first."""
    lines = [
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {subject}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{message_id}>" if message_id else "",
        f"Cc: {cc}" if cc else "",
        f"In-Reply-To: <{answers[-1]}>" if answers else "",
        "References: " + " ".join(f"<{one}>" for one in answers) if answers else "",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
    ]
    head = "\r\n".join(line for line in lines if line)
    return f"{head}\r\n\r\n{text or 'The text of ' + message_id}\r\n".encode()


def bulk(
    name: str, sender: str, to: str, mails: int, text: str = ""
) -> Iterator[tuple[bytes, datetime]]:
    """Yield many mails in a few threads, with when they were sent: a minute apart, oldest first.

    Few threads, because a conversation is what readers pay for.
    """
    for number in range(mails):
        thread = f"{name}-{number % 10}"
        first = f"{thread}.{number % 10}"
        at = NOON + timedelta(minutes=number)
        answers = [first] if number >= 10 else []
        yield letter(f"{thread}.{number}", sender, to, answers=answers, at=at, text=text), at
