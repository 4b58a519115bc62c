"""How a program proves who it is and that it began a flow: its secret, and PKCE."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import urllib.parse

from tests.fakes.common.wire import Call

_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_challenge(text: str) -> bool:
    """Say whether a text may be a code challenge (RFC 7636 4.2)."""
    return _CHALLENGE.fullmatch(text) is not None


def proves(verifier: str, challenge: str, method: str) -> bool:
    """Say whether who has the verifier began the flow (RFC 7636 4.6)."""
    computed = verifier
    if method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        computed = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return hmac.compare_digest(computed.encode(), challenge.encode())


def is_same(left: str, right: str) -> bool:
    """Say whether two secrets are equal, in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def credentials(call: Call, form: dict[str, str]) -> tuple[str, str]:
    """Return a program's id and secret from the header or the form (RFC 6749 2.3.1).

    Raises:
        ValueError: The header can't be read.
    """
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("malformed Authorization header") from None
    client_id, _, secret = text.partition(":")
    return urllib.parse.unquote_plus(client_id), urllib.parse.unquote_plus(secret)
