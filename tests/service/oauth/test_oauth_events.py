"""Security events of Google (RISC): true ones end grants at once, others are not believed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from tests.fakes.common.keys import STRANGER, signing_key
from tests.fakes.google import risc
from tests.fakes.google.google import CLIENT_ID
from tests.service.oauth.ground import Flow

ISSUER = "https://accounts.google.com/"
ENDING = [
    "sessions-revoked",
    "tokens-revoked",
    "account-disabled",
    "account-purged",
    "token-revoked",
]
HARMLESS = ["account-enabled", "account-credential-change-required", "verification"]


def post(flow: Flow, token: str) -> httpx.Response:
    """Send an event as Google does (RFC 8935)."""
    headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
    return flow.crm.client.post("/hooks/google/risc", content=token, headers=headers)


def claims(
    flow: Flow, sub: str, name: str = "sessions-revoked", **values: object
) -> dict[str, Any]:
    """Return an event's claims; None leaves one out."""
    about = {"subject": {"subject_type": "iss-sub", "iss": ISSUER, "sub": sub}}
    made = {
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "iat": int(time.time()) + 5,
        "jti": secrets.token_hex(16),
        "events": {risc.EVENTS[name]: about},
        **values,
    }
    return {name: value for name, value in made.items() if value is not None}


def sign(flow: Flow, made: dict[str, Any], **more: Any) -> str:
    """Sign claims as Google."""
    return str(flow.google._world.keys.sign(made, **more))


@pytest.mark.parametrize("name", ENDING)
def test_an_event_ends_the_grant_at_once(flow: Flow, name: str):
    person, other = flow.person(), flow.person()
    mailbox, untouched = flow.connect(person), flow.connect(other, user="8")
    flow.google.receive_events(f"{flow.url}/hooks/google/risc")

    status = flow.google.account(person.address).security_event(name)

    assert 202 == status
    assert ("reauthorize", "grant-ended") == flow.state(mailbox)
    assert ("connecting", None) == flow.state(untouched)
    assert [mailbox] == flow.changes("mailbox.reauthorize")
    assert 2 == flow.count("mailbox_grant")


@pytest.mark.parametrize("name", HARMLESS)
def test_other_events_end_nothing(flow: Flow, name: str):
    person = flow.person()
    mailbox = flow.connect(person)

    answer = post(flow, sign(flow, claims(flow, person.sub, name)))

    assert 202 == answer.status_code
    assert ("connecting", None) == flow.state(mailbox)


def test_an_event_reaches_every_workspace_of_the_account(make_flow):
    mine, theirs = make_flow(), make_flow("Other Ltd")
    person = mine.person()
    both = [(mine, mine.connect(person)), (theirs, theirs.connect(person))]

    assert 202 == post(mine, sign(mine, claims(mine, person.sub))).status_code

    assert ["reauthorize", "reauthorize"] == [flow.state(box)[0] for flow, box in both]
    hashes = {bytes(flow.row(box).subject_hash) for flow, box in both}
    assert 2 == len(hashes), "equal hashes would tell that it is the same person"


def test_what_runs_with_the_old_token_can_write_no_more(flow: Flow):
    from models.queries import leases
    from models.store import Fenced
    from worker.lease import Work, leased

    person = flow.person()
    mailbox = flow.connect(person)
    store, ttl = flow.service.store, flow.service.settings.lease
    with leased(store, flow.tenant.id, int(mailbox), Work.SYNC, ttl) as lease:
        assert lease is not None
        post(flow, sign(flow, claims(flow, person.sub)))

        with pytest.raises(Fenced), store.workspace(flow.tenant.id) as connection:
            leases.hold(connection, int(mailbox), "sync", lease.epoch, ttl)


def test_an_event_is_heard_once(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person, user="7")
    event = sign(flow, claims(flow, person.sub, iat=int(time.time()) + 20))
    first = post(flow, event)
    assert mailbox == flow.connect(person, user="7")

    again = post(flow, event)

    assert (202, 202) == (first.status_code, again.status_code)
    assert ("connecting", None) == flow.state(mailbox)


def test_an_event_from_before_the_person_agreed_ends_nothing(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person)

    answer = post(flow, sign(flow, claims(flow, person.sub, iat=int(time.time()) - 60)))

    assert 202 == answer.status_code
    assert ("connecting", None) == flow.state(mailbox)


def forged_key(flow: Flow, made: dict[str, Any]) -> str:
    return sign(flow, made, key=signing_key(STRANGER))


def forged_under_a_true_name(flow: Flow, made: dict[str, Any]) -> str:
    kid = flow.google._world.keys.published[0].kid
    return sign(flow, made, key=signing_key(STRANGER), headers={"kid": kid})


def alg_none(flow: Flow, made: dict[str, Any]) -> str:
    return jwt.encode(made, "", algorithm="none")


def having(**values: object) -> Callable[[Flow, dict[str, Any]], str]:
    return lambda flow, made: sign(
        flow, {k: v for k, v in (made | values).items() if v is not None}
    )


FORGERIES: dict[str, Callable[[Flow, dict[str, Any]], str]] = {
    "a stranger's key": forged_key,
    "a stranger's key under a true name": forged_under_a_true_name,
    "alg none": alg_none,
    "iss of another": having(iss="https://evil.example/"),
    "aud of another": having(aud="another.apps.googleusercontent.com"),
    "aud missing": having(aud=None),
    "no id": having(jti=None),
    "an empty id": having(jti=""),
    "no events": having(events=None),
    "events that are none": having(events=["x"]),
    "older than is believed": having(iat=int(time.time()) - 40 * 86_400),
    "from the future": having(iat=int(time.time()) + 86_400),
    "nothing": lambda _flow, _made: "",
    "no token": lambda _flow, _made: "a.b.c",
    "not ASCII": lambda _flow, _made: "ä.ö.ü",
}


@pytest.mark.parametrize("attack", FORGERIES)
def test_a_forged_event_is_not_believed(flow: Flow, attack: str):
    person = flow.person()
    mailbox = flow.connect(person)
    made = claims(flow, person.sub)

    answer = post(flow, FORGERIES[attack](flow, made))

    assert 400 == answer.status_code
    assert "invalid_request" == answer.json()["err"]
    assert ("connecting", None) == flow.state(mailbox)
    # The control: as Google signs it.
    assert 202 == post(flow, sign(flow, made)).status_code
    assert ("reauthorize", "grant-ended") == flow.state(mailbox)


def test_an_event_about_another_issuers_account_ends_nothing(flow: Flow):
    person = flow.person()
    mailbox = flow.connect(person)
    subject = {"subject_type": "iss-sub", "iss": "https://evil.example", "sub": person.sub}
    events = {risc.EVENTS["sessions-revoked"]: {"subject": subject}}

    assert 202 == post(flow, sign(flow, claims(flow, person.sub, events=events))).status_code
    assert ("connecting", None) == flow.state(mailbox)


def test_a_body_beyond_all_bounds_is_refused(flow: Flow):
    assert 413 == post(flow, "A" * 40_000).status_code


def test_a_new_key_of_google_is_asked_for(flow: Flow, monkeypatch: pytest.MonkeyPatch):
    from connectors.oauth import jwt as tokens

    monkeypatch.setattr(tokens, "ASK_AGAIN_SECONDS", 0.0)
    person = flow.person()
    mailbox = flow.connect(person)
    for _ in range(2):
        flow.google.rotate_keys()

    assert 202 == post(flow, sign(flow, claims(flow, person.sub))).status_code
    assert "reauthorize" == flow.state(mailbox)[0]


def test_unknown_keys_do_not_make_us_ask_google_each_time(flow: Flow):
    asked = flow.service.google_events
    assert asked is not None
    post(flow, sign(flow, claims(flow, "1"), key=signing_key(STRANGER)))
    before = asked.keys._asked_at

    for _ in range(10):
        post(flow, sign(flow, claims(flow, "1"), key=signing_key(STRANGER)))

    assert before == asked.keys._asked_at


def test_events_are_forgotten_when_they_cannot_be_repeated_any_more(flow: Flow):
    from worker.clock import tidy

    post(flow, sign(flow, claims(flow, "nobody")))
    with flow.service.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE security_event SET heard_at = now() - interval '31 days'"
        )

    tidy(flow.service)

    with flow.service.store.engine.connect() as connection:
        assert 0 == connection.exec_driver_sql("SELECT count(*) FROM security_event").scalar()
