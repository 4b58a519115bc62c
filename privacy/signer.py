"""The Ed25519 key that signs certificates, so that anyone can check one without trusting us."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select, text

from models.bulk import insert_columns
from models.store import Store
from models.vault import SigningKey
from privacy.vault import Key, MasterKeys

OWNER = "signing key"


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the private key; `public` is its 32 bytes (RFC 8032)."""

    private: Ed25519PrivateKey = field(repr=False)
    public: bytes

    @classmethod
    def of(cls, vault: Store, masters: MasterKeys) -> Signer:
        """Return the installation's signer; the first call makes its key."""
        with vault.system() as connection:
            newest = select(SigningKey.wrapped).order_by(SigningKey.id.desc()).limit(1)
            wrapped = connection.scalar(newest)
            if wrapped is None:
                # Two processes may come here first: one makes the key, the other reads it.
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": 0x51618})
                wrapped = connection.scalar(newest)
            if wrapped is None:
                key = Key.fresh()
                wrapped = masters.wrap(key, OWNER)
                insert_columns(connection, SigningKey, wrapped=[wrapped], public=[public_key(key)])
        key = masters.unwrap(wrapped, OWNER)
        return cls(Ed25519PrivateKey.from_private_bytes(key.secret), public_key(key))

    def sign(self, message: bytes) -> str:
        """Return the signature in base64."""
        return b64encode(self.private.sign(message)).decode()


def public_key(key: Key) -> bytes:
    """Return the 32 bytes of the public key."""
    private = Ed25519PrivateKey.from_private_bytes(key.secret)
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def is_signed(message: bytes, signature: str, public: bytes) -> bool:
    """Tell whether the signature over the message is by the holder of the key."""
    try:
        raw = b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(raw, message)
    except (InvalidSignature, ValueError):
        return False
    # Base64 can spell the same bytes in several ways; one of them was signed.
    return b64encode(raw).decode() == signature


def pem(public: bytes) -> str:
    """Return a public key as PEM (RFC 8410), which other programs read."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
