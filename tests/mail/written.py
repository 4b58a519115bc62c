"""Mails written for a test, part by part."""

from __future__ import annotations

import base64

from mail.message import Message, parse

HEAD = b"From: Jan <jan@example.com>\r\nTo: erika@lead.example\r\nMIME-Version: 1.0\r\n"


def mail(head: bytes, body: bytes = b"") -> Message:
    return parse(HEAD + head + b"\r\n\r\n" + body)


def multipart(kind: bytes, *parts: bytes) -> bytes:
    """Return a mail of parts, each given with its own header."""
    joined = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return (
        HEAD
        + b"Content-Type: multipart/"
        + kind
        + b'; boundary="b"\r\n\r\n'
        + joined
        + b"--b--\r\n"
    )


PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello"
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>Erika</b></p>"
PDF = (
    b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b"%PDF-1.4")
)
