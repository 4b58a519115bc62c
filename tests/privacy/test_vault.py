"""What is sealed opens with its key, at its place, unchanged; nothing tells the key."""

from __future__ import annotations

import pickle
from base64 import urlsafe_b64encode
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.store import Fenced
from privacy.vault import (
    Key,
    KeyRefused,
    MasterKeys,
    Place,
    SealBroken,
    Shredded,
    Vault,
    seal,
    unseal,
)
from privacy.vault.keys import MASTER_ID_BYTES, NONCE_BYTES, unwrap, wrap
from tests.privacy.ground import World

PLACE = Place(workspace_id=3, table="mail", row=7, column="head", generation=1)
numbers = st.integers(0, 2**62)
names = st.from_regex(r"[a-z_]{1,12}( [0-9.]{1,4})?", fullmatch=True)
places = st.builds(Place, numbers, names, numbers, names, numbers)


@given(place=places, clear=st.binary(max_size=3000))
@settings(max_examples=100, deadline=None)
def test_what_is_sealed_opens_at_its_place(place: Place, clear: bytes):
    key = Key.fresh()

    assert clear == unseal(key, place, seal(key, place, clear))


@given(one=places, other=places)
@settings(max_examples=200, deadline=None)
def test_two_places_are_never_bound_alike(one: Place, other: Place):
    assert (one == other) == (one.bound() == other.bound())


@given(place=places, number=numbers, name=names, column=st.sampled_from(fields(Place)))
@settings(max_examples=200, deadline=None)
def test_every_field_of_the_place_matters(place: Place, number: int, name: str, column: Any):
    changed: dict[str, Any] = {column.name: number if column.type == "int" else name}
    other = replace(place, **changed)
    key, clear = Key.fresh(), b"Guten Tag"
    sealed = seal(key, place, clear)

    if other == place:
        assert clear == unseal(key, other, sealed)
    else:
        with pytest.raises(SealBroken):
            unseal(key, other, sealed)


@pytest.mark.parametrize("clear", [b"Guten Tag", b"Guten Tag " * 200], ids=["plain", "packed"])
def test_no_byte_can_be_changed(clear: bytes):
    key = Key.fresh()
    sealed = seal(key, PLACE, clear)

    for position in range(len(sealed)):
        for bit in (1, 128):
            changed = bytearray(sealed)
            changed[position] ^= bit
            with pytest.raises(SealBroken):
                unseal(key, PLACE, bytes(changed))


@pytest.mark.parametrize("length", range(30))
def test_what_is_cut_short_does_not_open(length: int):
    key = Key.fresh()

    with pytest.raises(SealBroken):
        unseal(key, PLACE, seal(key, PLACE, b"Guten Tag")[:length])


def test_nothing_is_sealed_twice_alike():
    key = Key.fresh()
    sealed = {seal(key, PLACE, b"Guten Tag") for _ in range(1000)}

    assert 1000 == len(sealed)
    assert 1000 == len({one[1 : 1 + NONCE_BYTES] for one in sealed})
    assert 12 == NONCE_BYTES
    assert {1 + 12 + len(b"Guten Tag") + 16} == {len(one) for one in sealed}


def test_a_wrapped_key_opens_for_its_owner_and_by_its_wrapper_only():
    outer, inner = Key.fresh(), Key.fresh()
    wrapped = wrap(outer, inner, "mailbox 7")

    assert inner == unwrap(outer, wrapped, "mailbox 7")
    for key, owner in ((outer, "mailbox 8"), (Key.fresh(), "mailbox 7")):
        with pytest.raises(KeyRefused):
            unwrap(key, wrapped, owner)


def test_the_newest_master_wraps_and_the_older_ones_unwrap():
    old, new, inner = Key.fresh(), Key.fresh(), Key.fresh()
    before = MasterKeys([old]).wrap(inner, "workspace 1")

    rotated = MasterKeys([new, old])
    after = rotated.wrap(inner, "workspace 1")

    assert inner == rotated.unwrap(before, "workspace 1") == rotated.unwrap(after, "workspace 1")
    assert inner == MasterKeys([new]).unwrap(after, "workspace 1")
    assert before[:MASTER_ID_BYTES] != after[:MASTER_ID_BYTES]


def test_a_missing_master_is_named_and_no_key_is_told():
    old, new = Key.fresh(), Key.fresh()
    wrapped = MasterKeys([old]).wrap(Key.fresh(), "workspace 1")

    with pytest.raises(KeyRefused) as refused:
        MasterKeys([new]).unwrap(wrapped, "workspace 1")

    name = wrapped[:MASTER_ID_BYTES].hex()
    assert f"the master key {name} of workspace 1 is not set" == str(refused.value)


def encoded(key: Key) -> str:
    return urlsafe_b64encode(key.secret).decode()


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("", "no master key is set"),
        (" , ", "no master key is set"),
        ("geheim", "master key 1 is not base64 of 32 bytes"),
        (encoded(Key(b"k" * 32)) + ",geheim", "master key 2 is not base64 of 32 bytes"),
        (urlsafe_b64encode(b"k" * 31).decode(), "master key 1 is not base64 of 32 bytes"),
    ],
    ids=["none", "only commas", "no base64", "the second", "too short"],
)
def test_a_wrong_setting_is_refused_without_repeating_it(setting: str, text: str):
    with pytest.raises(KeyRefused) as refused:
        MasterKeys.parse(setting)

    assert text == str(refused.value)


def test_a_setting_is_read_newest_first():
    new, old = Key.fresh(), Key.fresh()

    masters = MasterKeys.parse(f" {encoded(new)}, {encoded(old).rstrip('=')} ")

    assert new == masters.newest
    assert [new, old] == list(masters.keys.values())


def test_no_key_shows_itself():
    key = Key(b"0123456789abcdef0123456789abcdef")
    shown = [repr(key), str(key), f"{key}", repr(MasterKeys([key])), repr([key.derive("wrap")])]
    with pytest.raises(SealBroken) as broken:
        unseal(key, PLACE, b"x" * 40)
    with pytest.raises(KeyRefused) as refused:
        unwrap(key, b"x" * 60, "mail 7")
    shown += [str(broken.value), repr(refused.value)]

    assert [] == [one for one in shown if "0123456789abcdef" in one or key.secret.hex() in one]
    assert b"0123456789abcdef" in pickle.dumps(key)


def test_a_key_has_one_purpose():
    key = Key.fresh()

    assert 3 == len({key.derive("wrap").secret, key.derive("seal").secret, key.secret})


def test_a_workspace_cannot_open_what_is_anothers(world: World):
    ours, theirs = world.workspace("A"), world.workspace("B")
    box = theirs.mailbox()
    (mail,) = box.store_mails()
    lead = theirs.lead("anna@lead.example")

    assert {} == world.vault.message_keys(ours.id, [mail])
    assert {} == world.vault.mailbox_keys(ours.id, [box.id])
    assert {} == world.vault.lead_keys(ours.id, [lead])
    assert 0 == world.vault.shred_messages(ours.id, [mail])
    # The control: its own workspace opens it, and index and sealing keys differ.
    assert {mail} == set(world.vault.message_keys(theirs.id, [mail]))
    mine, other = world.vault.workspace(ours.id), world.vault.workspace(theirs.id)
    assert mine.index.address("a@b.example") != other.index.address("a@b.example")
    assert mine.sealing != other.sealing


def test_a_vault_with_another_master_opens_nothing(world: World):
    workspace = world.workspace()
    other = Vault(world.vault.store, MasterKeys([Key.fresh()]))

    with pytest.raises(KeyRefused, match="is not set"):
        other.workspace(workspace.id)


def test_a_shredded_mailbox_opens_nothing_and_takes_no_key(world: World):
    workspace = world.workspace()
    box = workspace.mailbox()
    mails = box.store_mails(count=3)

    world.vault.shred_mailbox(workspace.id, box.id, erasure_id=0)

    assert {} == world.vault.message_keys(workspace.id, mails)
    with pytest.raises(Shredded):
        world.vault.mailbox_key(workspace.id, box.id)
    with pytest.raises(Fenced):
        box.keys(1)
