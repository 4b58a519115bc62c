"""ID tokens that were forged: none is accepted.

Somebody stands between the service and the token endpoint. The control of all cases: with
the same person standing there and changing nothing, the same way is accepted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.fakes.common.keys import STRANGER, signing_key
from tests.service.oauth.ground import Flow
from tests.service.oauth.sides import GMAIL, GRAPH

SIDES = (GMAIL, GRAPH)
Forge = Callable[[Flow, str], str]
"""Makes another ID token of a true one."""


def ring(flow: Flow) -> Any:
    """Return the provider's keys, which nobody else has."""
    return flow.side.keys


def opened(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def signed(**values: object) -> Forge:
    """Return a forgery that the provider itself would sign: only the claims are other ones."""

    def forge(flow: Flow, token: str) -> str:
        claims = {k: v for k, v in {**opened(token), **values}.items() if v is not None}
        key = ring(flow).published[0]
        return jwt.api_jws.encode(
            json.dumps(claims).encode(), key.private, "RS256", headers={"kid": key.kid}
        )

    return forge


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def alg_none(flow: Flow, token: str) -> str:
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(opened(token))}."


def alg_none_with_kid(flow: Flow, token: str) -> str:
    kid = ring(flow).published[0].kid
    return f"{part({'alg': 'None', 'kid': kid})}.{part(opened(token))}."


def hs256_with_the_public_key(flow: Flow, token: str) -> str:
    key = ring(flow).published[0]
    pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': key.kid})}.{part(opened(token))}"
    mac = hmac.new(pem, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def another_algorithm(flow: Flow, token: str) -> str:
    key = ring(flow).published[0]
    return jwt.encode(opened(token), key.private, algorithm="RS512", headers={"kid": key.kid})


def strangers_key(flow: Flow, token: str) -> str:
    return str(ring(flow).sign(opened(token), signing_key(STRANGER)))


def strangers_key_by_a_true_name(flow: Flow, token: str) -> str:
    kid = ring(flow).published[0].kid
    return str(ring(flow).sign(opened(token), signing_key(STRANGER), {"kid": kid}))


def no_kid(flow: Flow, token: str) -> str:
    key = ring(flow).published[0]
    return jwt.encode(opened(token), key.private, algorithm="RS256")


def key_brought_along(flow: Flow, token: str) -> str:
    key = signing_key(STRANGER)
    numbers = key.private.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "n": base64.urlsafe_b64encode(numbers.n.to_bytes(256, "big")).decode().rstrip("="),
        "e": "AQAB",
    }
    return str(ring(flow).sign(opened(token), key, {"jwk": jwk}))


def key_from_elsewhere(flow: Flow, token: str) -> str:
    return str(
        ring(flow).sign(opened(token), signing_key(STRANGER), {"jku": "https://evil.example/keys"})
    )


def critical_header(flow: Flow, token: str) -> str:
    return str(ring(flow).sign(opened(token), None, {"crit": ["b64"], "b64": True}))


def payload_swapped(flow: Flow, token: str) -> str:
    head, _, mac = token.split(".")
    return f"{head}.{part(opened(token) | {'sub': '1'})}.{mac}"


def cut(flow: Flow, token: str) -> str:
    return token[:-4]


def not_a_token(flow: Flow, token: str) -> str:
    return "a.b"


def missing(flow: Flow, token: str) -> str:
    return ""


def beyond_all_bounds(flow: Flow, token: str) -> str:
    return token + "A" * 20_000


def for_several(flow: Flow, token: str) -> str:
    return signed(aud=[flow.side.client_id, "another"])(flow, token)


NOW = int(time.time())
FORGERIES: dict[str, Forge] = {
    "alg none": alg_none,
    "alg None with a true kid": alg_none_with_kid,
    "alg HS256 with the public key as secret": hs256_with_the_public_key,
    "alg RS512": another_algorithm,
    "a stranger's key": strangers_key,
    "a stranger's key under a true kid": strangers_key_by_a_true_name,
    "no kid": no_kid,
    "a key in the token itself": key_brought_along,
    "a key at another address": key_from_elsewhere,
    "a critical header": critical_header,
    "another payload under the same signature": payload_swapped,
    "signature cut": cut,
    "not a token": not_a_token,
    "no token": missing,
    "a token beyond all bounds": beyond_all_bounds,
    "aud of another client": signed(aud="another"),
    "aud of several": for_several,
    "aud missing": signed(aud=None),
    "azp of another client": signed(azp="another"),
    "iss of another": signed(iss="https://accounts.evil.example"),
    "iss missing": signed(iss=None),
    "iss not a text": signed(iss=7),
    "expired": signed(exp=NOW - 120, iat=NOW - 3700),
    "exp missing": signed(exp=None),
    "iat in the future": signed(iat=NOW + 86_400, exp=NOW + 90_000),
    "iat missing": signed(iat=None),
    "not valid yet": signed(nbf=NOW + 86_400),
    "nonce of another": signed(nonce="another"),
    "nonce missing": signed(nonce=None),
    "sub missing": signed(sub=None),
    "sub empty": signed(sub=""),
    "sub not a text": signed(sub=7),
}
OF_GOOGLE: dict[str, Forge] = {
    "address not verified": signed(email_verified=False),
    "address verified by a text": signed(email_verified="no"),
    "address missing": signed(email=None),
    "address none": signed(email="nobody"),
    "address with a line break": signed(email="a@b.example\r\nBcc: c@d.example"),
}
NOBODY = "00000000-0000-0000-0000-000000000000"
OF_MICROSOFT: dict[str, Forge] = {
    "tid of another tenant": signed(tid=NOBODY),
    "tid missing": signed(tid=None),
    "tid not a tenant": signed(tid="common"),
    "tid with a path": signed(tid=f"{NOBODY}/x"),
    "tid not a text": signed(tid=7),
    "oid missing": signed(oid=None),
    "oid of another person": signed(oid=NOBODY),
    "oid not an id": signed(oid="anna@firm.example"),
}
"""Google tells the address in its ID token; Microsoft a tenant and an account."""


def refuse(flow: Flow, forge: Forge) -> None:
    """See that a forged ID token proves nothing, and that a true one does."""
    link, person = flow.link(), flow.person()
    flow.tamper.on_answer = lambda said: said | {"id_token": forge(flow, str(said["id_token"]))}

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(link), person)))
    held = flow.mailboxes()

    assert "unproven" == ended
    assert [] == held
    # The control: the same way with nothing changed, and with claims that the provider signs.
    flow.tamper.on_answer = lambda said: said | {"id_token": signed()(flow, str(said["id_token"]))}
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


@pytest.mark.parametrize("attack", FORGERIES)
def test_a_forged_id_token_proves_nothing(flow: Flow, attack: str):
    refuse(flow, FORGERIES[attack])


@pytest.mark.over(GMAIL)
@pytest.mark.parametrize("attack", OF_GOOGLE)
def test_an_address_that_google_does_not_prove_proves_nothing(flow: Flow, attack: str):
    refuse(flow, OF_GOOGLE[attack])


@pytest.mark.over(GRAPH)
@pytest.mark.parametrize("attack", OF_MICROSOFT)
def test_a_tenant_or_account_that_does_not_hold_proves_nothing(flow: Flow, attack: str):
    refuse(flow, OF_MICROSOFT[attack])


def test_an_id_token_of_an_earlier_login_is_refused(flow: Flow):
    person = flow.person()
    flow.connect(person)
    earlier = flow.tamper.answers[-1]["id_token"]
    flow.tamper.on_answer = lambda said: said | {"id_token": earlier}

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(flow.link(user="8")), person)))

    assert "unproven" == ended
    assert 1 == len(flow.mailboxes())
