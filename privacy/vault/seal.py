"""Sealing: what is personal becomes ciphertext bound to its place, or a keyed hash."""

from __future__ import annotations

import hmac
import os
import sys
import threading
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy.vault.keys import NONCE_BYTES, Key

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PLAIN, ZSTD = b"\x01", b"\x02"
WORTH_COMPRESSING = 512
"""Bytes; below, a zstd frame gains nothing."""
HASH_BYTES = 16


class _Own(threading.local):
    """A thread's own compressor: making one costs as much as its work on a short text."""

    def __init__(self) -> None:
        self.compressor = zstd.ZstdCompressor(level=1)


_own = _Own()


class SealBroken(Exception):
    """The bytes were not sealed by this key for this place, or were changed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives; it opens nowhere else (invariant 5)."""

    workspace_id: int
    table: str
    row: int
    column: str
    generation: int = 0

    def bound(self) -> bytes:
        """Return the place as the AEAD's associated data."""
        return (
            f"{self.workspace_id}|{self.table}|{self.row}|{self.column}|{self.generation}"
        ).encode()


def seal(key: Key, place: Place, clear: bytes) -> bytes:
    """Return the bytes compressed where it pays, encrypted by AES-256-GCM."""
    form = PLAIN
    if len(clear) >= WORTH_COMPRESSING:
        packed = _own.compressor.compress(clear, zstd.ZstdCompressor.FLUSH_FRAME)
        if len(packed) < len(clear):
            form, clear = ZSTD, packed
    nonce = os.urandom(NONCE_BYTES)
    return form + nonce + AESGCM(key.secret).encrypt(nonce, clear, form + place.bound())


def unseal(key: Key, place: Place, sealed: bytes) -> bytes:
    """Return the clear bytes.

    Raises:
        SealBroken: Another key, another place, or changed bytes.
    """
    form, nonce, rest = sealed[:1], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        clear = AESGCM(key.secret).decrypt(nonce, rest, form + place.bound())
    except (InvalidTag, ValueError):
        raise SealBroken(f"{place.table} {place.row} {place.column} does not open") from None
    return zstd.decompress(clear) if form == ZSTD else clear


class Index:
    """A workspace's keyed hashes: equal values can be found, none can be read.

    Another workspace's hash of the same value differs; so does another kind's.
    """

    __slots__ = ("_keyed",)

    def __init__(self, key: Key) -> None:
        self._keyed = hmac.new(key.secret, digestmod="sha256")

    def hash(self, kind: str, value: str) -> bytes:
        """Return 16 bytes of HMAC-SHA-256 over the kind and the value."""
        message = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        # hmac.digest lets go of the interpreter each time, and waits to have it back.
        keyed = self._keyed.copy()
        keyed.update(message)
        return keyed.digest()[:HASH_BYTES]

    def address(self, address: str) -> bytes:
        """Return the hash of a canonical address."""
        return self.hash("address", address)

    def domain(self, domain: str) -> bytes:
        """Return the hash of a canonical domain."""
        return self.hash("domain", domain)
