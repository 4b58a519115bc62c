"""A program that proves itself by a certificate instead of a secret.

See learn.microsoft.com/entra/identity-platform/certificate-credentials: a token signed PS256 (or,
as it used to be, RS256), which names the certificate by its SHA-256 (or SHA-1) thumbprint.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.fakes.common.people import Client
from tests.fakes.microsoft.entra.refusals import Denied
from tests.fakes.microsoft.world import World

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_THUMBPRINTS: Mapping[str, type[hashes.HashAlgorithm]] = {
    "x5t#S256": hashes.SHA256,
    "x5t": hashes.SHA1,
}


def prove(world: World, client: Client, assertion: str, tenant: str) -> None:
    """Check that an assertion is a program's own, for this endpoint, and fresh.

    Raises:
        Denied: It is not.
    """
    try:
        header = jwt.get_unverified_header(assertion)
        certificate = _named(world.certificates.get(client.client_id, []), header)
        claims = jwt.decode(
            assertion,
            certificate.public_key(),  # type: ignore[arg-type]  # those registered are RSA
            algorithms=["PS256", "RS256"],
            audience=f"{world.url}/{tenant}/oauth2/v2.0/token",
            issuer=client.client_id,
            # Time is checked below, against the stand-in's clock.
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.InvalidAudienceError:
        says = "Client assertion audience claim does not match Realm issuer."
        raise Denied(700021, "invalid_client", says, 401) from None
    except (jwt.PyJWTError, LookupError):
        says = "The certificate used to sign the client assertion is not registered."
        raise Denied(700027, "invalid_client", says, 401) from None
    if claims.get("sub") != client.client_id:
        says = "The client assertion's subject is not the application."
        raise Denied(700030, "invalid_client", says, 401)
    if not world.clock.seconds() < int(claims.get("exp", 0)):
        says = "Client assertion is not within its valid time range."
        raise Denied(700024, "invalid_client", says, 401)


def _named(known: list[x509.Certificate], header: Mapping[str, object]) -> x509.Certificate:
    for name, algorithm in _THUMBPRINTS.items():
        for each in known:
            thumbprint = base64.urlsafe_b64encode(each.fingerprint(algorithm())).decode()
            # msal writes the padding that RFC 7515 leaves out; Entra takes both.
            if str(header.get(name, "")).rstrip("=") == thumbprint.rstrip("="):
                return each
    raise LookupError
