"""A message as `messages.get` shows it, in each of its formats."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection

from tests.fakes.common.anatomy import Part, dissect
from tests.fakes.google.errors import invalid_argument
from tests.fakes.google.stored import Stored

INLINE_BYTES = 2 * 1024 * 1024
"""A text body above this is had only by `attachments.get`."""

_SEAL = secrets.token_bytes(16)


def message_resource(
    stored: Stored, shape: str, wanted_headers: Collection[str] = ()
) -> dict[str, object]:
    """Return a message; `shape` is `minimal`, `metadata`, `full` or `raw`."""
    resource: dict[str, object] = {
        **stored.named,
        "labelIds": sorted(stored.labels),
        "snippet": stored.gist.snippet,
        "historyId": str(stored.history_id),
        "internalDate": str(stored.internal_ms),
        "sizeEstimate": len(stored.raw),
    }
    if not stored.labels:
        del resource["labelIds"]
    if shape == "raw":
        resource["raw"] = encoded(stored.raw)
    elif shape == "full":
        resource["payload"] = _full(stored, dissect(stored.raw))
    elif shape == "metadata":
        root = dissect(stored.raw)
        resource["payload"] = {
            "mimeType": root.mime_type,
            "headers": _headers(root, wanted_headers),
        }
    return resource


def attachment_resource(stored: Stored, attachment_id: str) -> dict[str, object]:
    """Return a part's content.

    Raises:
        Refusal: The id was not given for this message.
    """
    for part in dissect(stored.raw).walk():
        if hmac.compare_digest(_sealed(stored, part, attachment_id[:12]), attachment_id):
            return {"size": len(part.body), "data": encoded(part.body)}
    raise invalid_argument("Invalid attachment token")


def encoded(content: bytes) -> str:
    """Return bytes as the API carries them: base64url with padding."""
    return base64.urlsafe_b64encode(content).decode()


def _full(stored: Stored, part: Part) -> dict[str, object]:
    resource: dict[str, object] = {
        "partId": part.number,
        "mimeType": part.mime_type,
        "filename": part.filename,
        "headers": _headers(part),
        "body": _body(stored, part),
    }
    if part.parts:
        resource["parts"] = [_full(stored, each) for each in part.parts]
    return resource


def _body(stored: Stored, part: Part) -> dict[str, object]:
    if not part.body:
        return {"size": 0}
    if part.is_external or len(part.body) > INLINE_BYTES:
        # A new id at each get, as Gmail gives: who keeps one keeps nothing.
        token = _sealed(stored, part, secrets.token_urlsafe(9))
        return {"attachmentId": token, "size": len(part.body)}
    return {"size": len(part.body), "data": encoded(part.body)}


def _headers(part: Part, wanted: Collection[str] = ()) -> list[dict[str, str]]:
    names = {name.lower() for name in wanted}
    return [
        {"name": name, "value": value}
        for name, value in part.headers
        if not names or name.lower() in names
    ]


def _sealed(stored: Stored, part: Part, salt: str) -> str:
    named = f"{salt} {stored.id} {part.number}".encode()
    return salt + encoded(hmac.digest(_SEAL, named, hashlib.sha256)).rstrip("=")
