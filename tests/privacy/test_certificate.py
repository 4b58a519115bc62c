"""A certificate is checked offline, by the public key alone, and no change to it passes."""

from __future__ import annotations

import ast
import json
import random
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from privacy.certificate import NotACertificate, canonical, issue, verify
from privacy.signer import Signer, public_key
from privacy.vault import Key

ROOT = Path(__file__).parents[2]
TAMPERINGS = 1000
BODY: dict[str, Any] = {
    "erasure": "7",
    "workspace": "1",
    "scope": "mailbox",
    "subject": "3",
    "subject_hashes": [],
    "requested_at": "2026-11-23T08:30:00.000Z",
    "verified_at": "2026-11-23T08:30:04.000Z",
    "removed": {"mail": 5, "keys": 6},
    "residue": {"data.mail.mailbox_id": 0},
    "provider": {"ended": ["grant"], "left_to_person": ["Zürich: Zugriff entziehen"]},
}


def signer() -> Signer:
    key = Key.fresh()
    return Signer(Ed25519PrivateKey.from_private_bytes(key.secret), public_key(key))


def is_accepted(text: str | bytes, public: bytes) -> bool:
    try:
        return verify(text, public) is not None
    except NotACertificate:
        return False


def test_a_certificate_verifies_with_the_public_key_alone():
    key = signer()

    text = issue(key, BODY)

    assert {"format": "leadmail-erasure-1", **BODY} == verify(text, key.public)
    assert is_accepted(text.encode() + b"\n", key.public)


def test_the_same_body_is_always_written_the_same():
    shuffled = dict(sorted(BODY.items(), reverse=True))
    key = signer()

    assert canonical(BODY) == canonical(shuffled)
    assert issue(key, BODY) == issue(key, shuffled)


def change_a_byte(text: str, chance: random.Random) -> bytes:
    raw = bytearray(text.encode())
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return bytes(raw)


def insert_a_byte(text: str, chance: random.Random) -> bytes:
    raw = bytearray(text.encode())
    raw.insert(chance.randrange(len(raw)), chance.choice(b' \t\n0"a,}'))
    return bytes(raw)


def drop_a_byte(text: str, chance: random.Random) -> bytes:
    raw = bytearray(text.encode())
    del raw[chance.randrange(len(raw))]
    return bytes(raw)


def add_a_field(text: str, chance: random.Random) -> bytes:
    whole = json.loads(text)
    chance.choice([whole, whole["certificate"], whole["certificate"]["removed"]])["also"] = 1
    return rewritten(whole)


def drop_a_field(text: str, chance: random.Random) -> bytes:
    whole = json.loads(text)
    of = chance.choice([whole, whole["certificate"], whole["certificate"]["residue"]])
    del of[chance.choice(sorted(of))]
    return rewritten(whole)


def change_a_count(text: str, chance: random.Random) -> bytes:
    whole = json.loads(text)
    whole["certificate"]["removed"]["mail"] += chance.choice([-1, 1, 1000])
    return rewritten(whole)


def repeat_a_field(text: str, chance: random.Random) -> bytes:
    field = chance.choice(["erasure", "scope", "subject", "workspace"])
    return text.replace(f'"{field}"', f'"{field}": "other", "{field}"', 1).encode()


def spell_the_signature_otherwise(text: str, chance: random.Random) -> bytes:
    whole = json.loads(text)
    held = whole["signature"]
    same = [
        spelled
        for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        if (spelled := f"{held[:85]}{last}==") != held and b64decode(spelled) == b64decode(held)
    ]
    whole["signature"] = chance.choice(same)
    return rewritten(whole)


def swap_with_another(text: str, chance: random.Random) -> bytes:
    whole, other = json.loads(text), json.loads(issue(OTHERS_SIGNER[0], BODY | {"erasure": "8"}))
    swapped = chance.choice(["certificate", "signature"])
    whole[swapped] = other[swapped]
    return rewritten(whole)


def sign_with_another_key(text: str, chance: random.Random) -> bytes:
    forger = signer()
    whole = json.loads(text)
    whole["signature"] = forger.sign(canonical(whole["certificate"]))
    if chance.random() < 0.5:
        whole["public_key"] = b64encode(forger.public).decode()
    return rewritten(whole)


def rewritten(whole: Any) -> bytes:
    return json.dumps(whole, sort_keys=True, ensure_ascii=False, indent=2).encode()


Tampering = Callable[[str, random.Random], bytes]
TAMPERS: tuple[Tampering, ...] = (
    change_a_byte,
    insert_a_byte,
    drop_a_byte,
    add_a_field,
    drop_a_field,
    change_a_count,
    repeat_a_field,
    spell_the_signature_otherwise,
    swap_with_another,
    sign_with_another_key,
)
OTHERS_SIGNER: list[Signer] = []


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.__name__)
def test_no_tampering_passes(tamper: Tampering):
    key, chance = signer(), random.Random(7)
    OTHERS_SIGNER[:] = [key]
    text = issue(key, BODY)

    tampered = [tamper(text, chance) for _ in range(TAMPERINGS // len(TAMPERS))]

    assert [] == [one for one in tampered if is_accepted(one, key.public)]
    assert text.encode() not in tampered


def test_the_tampering_is_what_a_lax_reader_accepts():
    # The control: a reader that only checks the signature over what it has parsed.
    key, chance = signer(), random.Random(7)
    text = issue(key, BODY)

    def is_laxly_accepted(tampered: bytes) -> bool:
        whole = json.loads(tampered)
        key.private.public_key().verify(
            b64decode(whole["signature"]), canonical(whole["certificate"])
        )
        return True

    assert is_laxly_accepted(repeat_a_field(text, chance))
    assert is_laxly_accepted(spell_the_signature_otherwise(text, chance))
    assert is_laxly_accepted(add_space(text))
    assert not is_accepted(add_space(text), key.public)


def add_space(text: str) -> bytes:
    return text.replace(": ", ":  ", 1).encode()


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "7", "null", '{"certificate": 1, "signature": 2}', "[" * 100_000, "\ud800"],
    ids=["empty", "bare", "list", "number", "null", "other", "deep", "half a character"],
)
def test_what_is_no_certificate_is_called_so(text: str):
    with pytest.raises(NotACertificate):
        verify(text, signer().public)


def imports(module: str) -> Iterator[str]:
    path = ROOT / (module.replace(".", "/") + ".py")
    if not path.exists():
        path = ROOT / module.replace(".", "/") / "__init__.py"
    if not path.exists():
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def reached_from(module: str) -> set[str]:
    seen: set[str] = set()
    ahead = [module]
    while ahead:
        one = ahead.pop()
        if one not in seen:
            seen.add(one)
            ahead.extend(imports(one))
    return seen


def test_the_verifier_knows_nothing_of_the_purge():
    reached = reached_from("privacy.verifier")

    assert set() == {
        module
        for module in reached
        if module.startswith(("models.queries", "models.mail", "privacy.purge", "privacy.order"))
    }
    assert "models.queries.purging" in reached_from("privacy.purge")
