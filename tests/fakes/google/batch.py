"""Many calls in one request, multipart/mixed, each answered for itself."""

from __future__ import annotations

import email
import secrets
import urllib.parse
from email.message import Message
from http import HTTPStatus

from tests.fakes.common.wire import Answer, Call
from tests.fakes.google import api, errors
from tests.fakes.google.errors import Refusal, bad_request
from tests.fakes.google.world import World

MOST_CALLS = 100
"""In one request (developers.google.com/workspace/gmail/api/guides/batch)."""


def answer(world: World, call: Call) -> Answer:
    """Answer a batch; a broken line of one part breaks the whole."""
    try:
        parts = _parts(call)
        calls = [_call_of(part, call) for part in parts]
    except Refusal as refusal:
        return refusal.answer()
    answers = [_one(world, each) for each in calls]
    boundary = f"batch_{secrets.token_urlsafe(24)}"
    body = b"".join(
        _written(boundary, part, each) for part, each in zip(parts, answers, strict=True)
    )
    return Answer(
        200,
        body + f"--{boundary}--\r\n".encode(),
        {"content-type": f"multipart/mixed; boundary={boundary}", "cache-control": "private"},
        delay=max(each.delay for each in answers),
        breakage=next((each.breakage for each in answers if each.breakage), None),
    )


def _parts(call: Call) -> list[Message]:
    content_type = call.headers.get("content-type", "")
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    read = email.message_from_bytes(head + call.body)
    payload = read.get_payload()
    if read.get_content_type() != "multipart/mixed" or not isinstance(payload, list):
        raise bad_request("Failed to parse batch request, error: not multipart/mixed.")
    parts = [each for each in payload if isinstance(each, Message)]
    if not 0 < len(parts) <= MOST_CALLS:
        raise bad_request(
            f"The batch request has {len(parts)} calls; there must be 1 to {MOST_CALLS}."
        )
    return parts


def _call_of(part: Message, outer: Call) -> Call:
    payload = part.get_payload(decode=True)
    if part.get_content_type() != "application/http" or not isinstance(payload, bytes):
        raise bad_request("Failed to parse batch request, error: a part is not application/http.")
    line, _, rest = payload.lstrip().partition(b"\n")
    pieces = line.decode("latin-1").split()
    if len(pieces) < 2:
        raise bad_request("Failed to parse batch request, error: a part has no request line.")
    url = urllib.parse.urlsplit(pieces[1])
    inner = email.message_from_bytes(rest)
    headers = {name.lower(): str(value) for name, value in inner.items()}
    body = inner.get_payload(decode=True)
    return Call(
        pieces[0],
        url.path,
        tuple(urllib.parse.parse_qsl(url.query, keep_blank_values=True)),
        # What the whole says, a part need not say again.
        {"authorization": outer.headers.get("authorization", "")} | headers,
        body.strip() if isinstance(body, bytes) else b"",
        in_batch=True,
    )


def _one(world: World, call: Call) -> Answer:
    if not call.path.startswith("/gmail/"):
        return errors.bad_request(f"A batch can't call {call.path}.").answer()
    return api.answer(world, call)


def _written(boundary: str, part: Message, answer: Answer) -> bytes:
    head = [f"--{boundary}", "Content-Type: application/http"]
    if (content_id := part.get("Content-ID")) is not None:
        head.append(f"Content-ID: <response-{str(content_id).strip().removeprefix('<')}")
    head += ["", f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    head += [f"{name.title()}: {value}" for name, value in answer.headers.items()]
    head += [f"Content-Length: {len(answer.body)}", "", ""]
    return "\r\n".join(head).encode() + answer.body + b"\r\n"
