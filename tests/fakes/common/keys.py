"""The RSA keys that the stand-in signs with, published as key set and as certificates."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

STRANGER = 1_000_000
"""The number of a key that is never published."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, the id it is published by, and a certificate of it (PEM)."""

    kid: str
    private: rsa.RSAPrivateKey
    certificate: str

    @property
    def pem(self) -> str:
        """The private key as files hold it (PKCS #8)."""
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def __reduce__(self) -> tuple[Callable[[str, str, str], SigningKey], tuple[str, str, str]]:
        return read_key, (self.kid, self.pem, self.certificate)


def read_key(kid: str, pem: str, certificate: str) -> SigningKey:
    """Return the key that was written as PEM."""
    private = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return SigningKey(kid, private, certificate)


@functools.cache
def signing_key(number: int) -> SigningKey:
    """Return the key of that number, made once in this process: it takes a tenth of a second."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.invalid")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(private, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    return SigningKey(hashlib.sha1(pem).hexdigest(), private, pem.decode())


class KeyRing:
    """Two published keys, of which the first signs, so that a change is no surprise."""

    def __init__(self) -> None:
        self._rotations = 0
        self._published: tuple[SigningKey, ...] = ()

    @property
    def published(self) -> list[SigningKey]:
        """The keys that a verifier may trust."""
        self._published = self._published or (signing_key(0), signing_key(1))
        return list(self._published)

    def rotate(self) -> None:
        """Let the second key sign, forget the first, publish a new one."""
        self._rotations += 1
        self._published = (self.published[1], signing_key(self._rotations + 1))

    def sign(
        self,
        claims: Mapping[str, object],
        key: SigningKey | None = None,
        headers: Mapping[str, object] | None = None,
    ) -> str:
        """Return the claims as a token, signed RS256 with the current key or with another."""
        signer = key or self.published[0]
        named = {"kid": signer.kid, "typ": "JWT", **(headers or {})}
        return jwt.encode(dict(claims), signer.private, algorithm="RS256", headers=named)

    def jwks(self) -> dict[str, list[dict[str, object]]]:
        """Return the published keys as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [_as_jwk(key) for key in self.published]}

    def certificates(self) -> dict[str, str]:
        """Return the published keys as certificates by key id."""
        return {key.kid: key.certificate for key in self.published}


def _as_jwk(key: SigningKey) -> dict[str, object]:
    numbers = RSAAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": key.kid,
        "n": numbers["n"],
        "e": numbers["e"],
    }
