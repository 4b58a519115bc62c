"""The certificate of an erasure: signed canonical JSON, checked with the public key alone."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from privacy.signer import Signer, is_signed

FORMAT = "leadmail-erasure-1"


class NotACertificate(Exception):
    """The file isn't a certificate that this program knows."""


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return the one spelling of a body that is signed (RFC 8785, of text and integers)."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def issue(signer: Signer, body: Mapping[str, Any]) -> str:
    """Return the certificate as JSON text: the body, its signature and the public key."""
    full = {"format": FORMAT, **body}
    return written(
        {
            "certificate": full,
            "signature": signer.sign(canonical(full)),
            "public_key": b64encode(signer.public).decode(),
        }
    )


def written(whole: Mapping[str, Any]) -> str:
    """Return the one way in which a certificate is written."""
    return json.dumps(whole, sort_keys=True, ensure_ascii=False, indent=2)


def verify(text: str | bytes, public: bytes) -> Mapping[str, Any] | None:
    """Return the certificate's body if the key signed exactly it, else None.

    The key inside the file is only there to be compared: whoever forges a file forges it too.
    A file that is written in another way, were it by a space, is another file: two readers
    might not read the same in it. Only a line break may end it.

    Raises:
        NotACertificate: The text isn't one at all.
    """
    try:
        read = text.decode() if isinstance(text, bytes) else text
        whole = json.loads(read)
        body, signature = whole["certificate"], whole["signature"]
        if whole.keys() != {"certificate", "signature", "public_key"}:
            raise KeyError("unsigned members")
        same = (
            body["format"] == FORMAT
            and whole["public_key"] == b64encode(public).decode()
            and written(whole) == read.removesuffix("\n").removesuffix("\r")
        )
        signed = same and is_signed(canonical(body), str(signature), public)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotACertificate("not a certificate of Leadmail") from None
    return body if signed else None
