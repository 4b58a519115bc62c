"""Keys and how one wraps another: master, workspace, mailbox or lead, message."""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
"""AESGCM accepts nonces of 8 to 128 bytes; only 96 bits are used as they are (SP 800-38D)."""
MASTER_ID_BYTES = 8


class KeyRefused(Exception):
    """A key can't be read: it is malformed, of another master, or was tampered with."""


class Shredded(Exception):
    """The key is gone, and with it whatever it sealed."""


@dataclass(frozen=True, slots=True)
class Key:
    """32 random bytes that seal or wrap; never printed."""

    secret: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> Key:
        """Return a new random key."""
        return cls(os.urandom(KEY_BYTES))

    def derive(self, purpose: str) -> Key:
        """Return the key of one purpose, so that no key has two (RFC 5869)."""
        kdf = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"leadmail " + purpose.encode())
        return Key(kdf.derive(self.secret))


def wrap(outer: Key, inner: Key, owner: str) -> bytes:
    """Return the inner key, encrypted under the outer and bound to its owner ("mailbox 7")."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(outer.secret).encrypt(nonce, inner.secret, owner.encode())


def unwrap(outer: Key, wrapped: bytes, owner: str) -> Key:
    """Return the inner key.

    Raises:
        KeyRefused: It wasn't wrapped by this key for this owner.
    """
    nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    try:
        return Key(AESGCM(outer.secret).decrypt(nonce, sealed, owner.encode()))
    except (InvalidTag, ValueError):
        raise KeyRefused(f"the key of {owner} does not open") from None


class MasterKeys:
    """The keys that wrap the workspaces' keys, newest first; only the newest wraps."""

    def __init__(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise KeyRefused("no master key is set")
        self.keys = {master_id(key): key for key in keys}
        self.newest = keys[0]

    @classmethod
    def parse(cls, setting: str) -> MasterKeys:
        """Read `LEADMAIL_MASTER_KEYS`: URL-safe base64 of 32 bytes each, parted by commas.

        Raises:
            KeyRefused: One of them isn't that; the message doesn't repeat it.
        """
        keys = []
        for position, text in enumerate(filter(None, map(str.strip, setting.split(","))), 1):
            try:
                secret = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            except (NotBase64, ValueError):
                secret = b""
            if len(secret) != KEY_BYTES:
                raise KeyRefused(f"master key {position} is not base64 of {KEY_BYTES} bytes")
            keys.append(Key(secret))
        return cls(keys)

    def hashes(self, kind: str, value: str) -> list[bytes]:
        """Return the value's keyed hashes that need no workspace, one per master, newest first.

        Write the first, look for all: a master that is replaced meanwhile loses nothing.
        """
        return [
            hmac.new(key.derive("hash").secret, f"{kind}\0{value}".encode(), "sha256").digest()[:16]
            for key in self.keys.values()
        ]

    def wrap(self, inner: Key, owner: str) -> bytes:
        """Return the key wrapped by the newest master, whose id stands before it."""
        return master_id(self.newest) + wrap(self.newest, inner, owner)

    def unwrap(self, wrapped: bytes, owner: str) -> Key:
        """Return the key, by whichever master wrapped it.

        Raises:
            KeyRefused: That master isn't among the keys, or the bytes were changed.
        """
        name, rest = wrapped[:MASTER_ID_BYTES], wrapped[MASTER_ID_BYTES:]
        if name not in self.keys:
            raise KeyRefused(f"the master key {name.hex()} of {owner} is not set")
        return unwrap(self.keys[name], rest, owner)


def master_id(key: Key) -> bytes:
    """Return the public name of a master key: 8 bytes of its hash."""
    return hashlib.sha256(b"leadmail master " + key.secret).digest()[:MASTER_ID_BYTES]
