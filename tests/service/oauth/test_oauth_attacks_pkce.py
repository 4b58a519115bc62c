"""PKCE, nonce and token answers that were tampered with: none is accepted.

Each case is followed by its control: the same way, untampered, is accepted.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.service.oauth.ground import Flow, changed, query_of
from tests.service.oauth.sides import GMAIL, GRAPH
from tests.service.oauth.tamper import Form, Said

SIDES = (GMAIL, GRAPH)


def without(name: str) -> Callable[[Form], Form]:
    return lambda form: {key: value for key, value in form.items() if key != name}


FORMS: dict[str, Callable[[Form], Form]] = {
    "verifier of nobody": lambda form: form | {"code_verifier": "A" * 86},
    "verifier missing": without("code_verifier"),
    "verifier empty": lambda form: form | {"code_verifier": ""},
    "challenge as verifier": lambda form: form | {"code_verifier": "B" * 43},
}


@pytest.mark.parametrize("attack", FORMS)
def test_a_wrong_verifier_gets_nothing(flow: Flow, attack: str):
    link, person = flow.link(), flow.person()
    flow.tamper.on_form = FORMS[attack]

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(link), person)))
    flow.tamper.on_form = dict

    assert "code-refused" == ended
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


DOWNGRADES: dict[str, dict[str, str | None]] = {
    "plain instead of S256": {"code_challenge_method": "plain"},
    "no method, which means plain": {"code_challenge_method": None},
    "another challenge": {"code_challenge": "C" * 43},
}


@pytest.mark.parametrize("attack", DOWNGRADES)
def test_a_downgraded_challenge_gets_nothing(flow: Flow, attack: str):
    link, person = flow.link(), flow.person()

    back = flow.agree(changed(flow.begin(link), **DOWNGRADES[attack]), person)

    assert "code-refused" == flow.outcome(flow.come_back(back))
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


@pytest.mark.parametrize("nonce", [None, "attacker-chosen"])
def test_a_code_without_pkce_is_still_bound_by_the_nonce(flow: Flow, nonce: str | None):
    # An attacker's own way to the provider, its challenge taken away so that any verifier fits it.
    attacker, victim = flow.person(), flow.person()
    other = flow.another()
    theirs = changed(
        flow.begin(flow.link(user="attacker"), other),
        code_challenge=None,
        code_challenge_method=None,
        **({} if nonce is None else {"nonce": nonce}),
    )
    stolen = query_of(flow.agree(theirs, attacker, browser=other))["code"]
    back = flow.agree(flow.begin(flow.link(user="victim")), victim)

    ended = flow.outcome(flow.come_back(changed(back, code=stolen)))

    assert "unproven" == ended
    assert [] == flow.mailboxes()


@pytest.mark.parametrize("change", [{"nonce": None}, {"nonce": "attacker-chosen"}])
def test_a_changed_nonce_is_refused(flow: Flow, change: dict[str, str | None]):
    back = flow.agree(changed(flow.begin(), **change), flow.person())

    assert "unproven" == flow.outcome(flow.come_back(back))
    assert [] == flow.mailboxes()


SAID: dict[str, tuple[Callable[[Flow], Said], str]] = {
    "scopes withheld": (lambda flow: {"scope": flow.side.least}, "narrowed"),
    "scope that only looks like it": (
        lambda flow: {"scope": f"{flow.side.least} {flow.side.read}.metadata"},
        "narrowed",
    ),
    "no scopes at all": (lambda _: {"scope": ""}, "narrowed"),
    "scopes not a text": (lambda flow: {"scope": [flow.side.read]}, "narrowed"),
    "no access token": (lambda _: {"access_token": ""}, "refused"),
    "not a bearer's token": (lambda _: {"token_type": "mac"}, "refused"),
}


@pytest.mark.parametrize("attack", SAID)
def test_an_answer_that_is_not_whole_connects_nothing(flow: Flow, attack: str):
    values, expected = SAID[attack]
    link, person = flow.link(), flow.person()
    flow.tamper.on_answer = lambda said: said | values(flow)

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(link), person)))
    flow.tamper.on_answer = dict

    assert expected == ended
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))


def test_an_answer_without_a_refresh_token_connects_nothing(flow: Flow):
    flow.tamper.on_answer = lambda said: said | {"refresh_token": ""}

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(), flow.person())))

    # At Microsoft it stands for a scope of its own, which a person may withhold.
    assert {GMAIL: "refused", GRAPH: "narrowed"}[flow.side.provider] == ended
    assert [] == flow.mailboxes()


INSTEAD: dict[str, tuple[tuple[int, bytes, dict[str, str]], str]] = {
    "a redirect": ((302, b"", {"Location": "http://127.0.0.1:9/"}), "refused"),
    "not JSON": ((200, b"<html>", {}), "refused"),
    "not an object": ((200, b"[1]", {}), "refused"),
    "beyond all bounds": ((200, b"[" + b" " * 2_000_000 + b"]", {}), "refused"),
    "a server error": ((503, b"{}", {}), "unreachable"),
    "too many requests": ((429, b"{}", {"Retry-After": "7"}), "unreachable"),
    "the client refused": ((401, b'{"error": "invalid_client"}', {}), "refused"),
    "something unknown": ((418, b'{"error": "teapot"}', {}), "refused"),
}


@pytest.mark.parametrize("answer", INSTEAD)
def test_whatever_the_token_endpoint_says_nothing_is_kept(flow: Flow, answer: str):
    instead, expected = INSTEAD[answer]
    link, person = flow.link(), flow.person()
    flow.tamper.instead = instead

    ended = flow.outcome(flow.come_back(flow.agree(flow.begin(link), person)))
    flow.tamper.instead = None

    assert expected == ended
    assert [] == flow.mailboxes()
    assert flow.connected(flow.come_back(flow.agree(flow.begin(link), person)))
