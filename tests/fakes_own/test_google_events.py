"""Cross-Account Protection: registration by the RISC API, and events that can be verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import jwt
import pytest

from tests.fakes.google import CLIENT_ID, Google
from tests.fakes.google.risc import AUDIENCE, EVENTS, PUSH
from tests.fakes_own import http
from tests.fakes_own.receiver import Receiver


@pytest.fixture
def receiver(google: Google) -> Iterator[Receiver]:
    with Receiver() as receiver:
        google.receive_events(receiver.url)
        yield receiver


def verified(google: Google, body: bytes) -> dict[str, object]:
    told = http.get(f"{google.url}/.well-known/risc-configuration").json()
    key_set = jwt.PyJWKSet.from_dict(http.get(told["jwks_uri"]).json())
    token = body.decode()
    key = key_set[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, object] = jwt.decode(
        token, key, ["RS256"], audience=CLIENT_ID, issuer=told["issuer"]
    )
    return claims


@pytest.mark.parametrize("name", sorted(set(EVENTS) - {"verification", "token-revoked"}))
def test_an_event_names_its_subject_and_can_be_verified(name, google, anna, receiver):
    status = anna.security_event(name)

    (received,) = receiver.received
    ((kind, told),) = verified(google, received.body)["events"].items()  # type: ignore[attr-defined]  # a claim
    assert (204, "application/secevent+jwt") == (status, received.headers["content-type"])
    assert EVENTS[name] == kind
    assert {
        "subject_type": "iss-sub",
        "iss": "https://accounts.google.com/",
        "sub": anna.sub,
    } == told["subject"]


def test_a_revoked_token_is_named_by_its_hash(google, anna, receiver):
    token = anna.grant()["refresh_token"]

    anna.security_event("token-revoked")

    ((_, told),) = verified(google, receiver.received[0].body)["events"].items()  # type: ignore[attr-defined]  # a claim
    digest = hashlib.sha512(hashlib.sha512(token.encode()).digest()).hexdigest()
    assert ("hash_SHA512_double", digest) == (
        told["subject"]["token_identifier_alg"],
        told["subject"]["token"],
    )


def test_a_forged_event_does_not_verify(google, anna, receiver):
    anna.security_event("sessions-revoked", is_forged=True)

    with pytest.raises(jwt.InvalidSignatureError):
        verified(google, receiver.received[0].body)


def test_what_befalls_an_account_is_told_by_itself(google, anna, receiver):
    anna.grant()
    anna.change_password()
    anna.revoke()
    anna.disable()
    anna.enable()

    kinds = [next(iter(verified(google, each.body)["events"])) for each in receiver.received]  # type: ignore[call-overload]  # a claim

    assert [
        EVENTS[name]
        for name in ("sessions-revoked", "tokens-revoked", "account-disabled", "account-enabled")
    ] == kinds


def test_an_endpoint_is_registered_and_verified_by_the_api(google):
    key = google.add_service_account("risc@project.example")
    now = google._world.clock.seconds()
    claims = {"iss": key["client_email"], "sub": key["client_email"], "aud": AUDIENCE}
    token = jwt.encode(claims | {"iat": now, "exp": now + 600}, key["private_key"], "RS256")
    headers = {"authorization": f"Bearer {token}"}
    with Receiver() as receiver:
        update = {
            "delivery": {"delivery_method": PUSH, "url": receiver.url},
            "events_requested": [EVENTS["sessions-revoked"]],
        }

        stranger = http.post(f"{google.url}/v1beta/stream:update", json=update)
        updated = http.post(f"{google.url}/v1beta/stream:update", json=update, headers=headers)
        asked = http.post(
            f"{google.url}/v1beta/stream:verify", json={"state": "s-1"}, headers=headers
        )
        stream = http.get(f"{google.url}/v1beta/stream", headers=headers).json()

        assert [401, 200, 200] == [each.status_code for each in (stranger, updated, asked)]
        assert [EVENTS["sessions-revoked"]] == stream["events_requested"]
        assert {EVENTS["verification"]: {"state": "s-1"}} == (
            verified(google, receiver.received[0].body)["events"]
        )


def test_an_event_that_was_not_asked_for_is_not_sent(google, anna, receiver):
    google._world.stream.events = {EVENTS["account-purged"]}

    anna.change_password()

    assert [] == receiver.received
