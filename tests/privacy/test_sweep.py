"""Keys whose mails were never stored are swept, and those of an import in flight are not."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import pytest
from sqlalchemy import text

from models.queries import leases
from models.store import Fenced
from privacy import sweep as sweeping
from privacy.sweep import Sweep
from tests.privacy.ground import ORDERED, Box, World

HOUR = timedelta(hours=1)
LEASE = timedelta(seconds=20)


def age(box: Box, mails: Collection[int], hours: int = 2) -> None:
    """Let the keys be so many hours old."""
    world = box.workspace.world
    with world.vault.store.workspace(box.workspace.id) as connection:
        connection.execute(
            text(
                "UPDATE message_key SET created_at = now() - make_interval(hours => :hours)"
                " WHERE mail_id = ANY(:mails)"
            ),
            {"hours": hours, "mails": list(mails)},
        )


def test_old_keys_of_nothing_go_and_all_others_stay(world: World):
    box = world.workspace().mailbox()
    other = world.workspace("B firm").mailbox()
    dead = [*box.keys(3), *other.keys(2)]
    stored, fresh = box.store_mails(count=2), list(box.keys(2))
    for one in (box, other):
        age(one, [*dead, *stored])

    swept = Sweep(world.store, world.vault).run(HOUR)

    assert 5 == swept
    assert {*stored, *fresh} == set(
        world.vault.message_keys(box.workspace.id, [*dead, *stored, *fresh])
    )
    assert {} == world.vault.message_keys(other.workspace.id, dead)


def test_the_age_is_what_spares_a_fresh_key(world: World):
    # The control: without it, the keys of an import in flight would go.
    box = world.workspace().mailbox()
    box.keys(2)

    assert 0 == Sweep(world.store, world.vault).run(HOUR)
    assert 2 == Sweep(world.store, world.vault).run(timedelta(0))


def test_a_mailbox_that_is_being_imported_into_waits(world: World):
    box = world.workspace().mailbox()
    dead = box.keys(3)
    age(box, dead)
    sweep = Sweep(world.store, world.vault)
    with world.store.workspace(box.workspace.id) as connection:
        epoch = leases.take(connection, box.workspace.id, box.id, "import", LEASE)
    assert epoch is not None

    while_held = sweep.run(HOUR)
    with world.store.workspace(box.workspace.id) as connection:
        leases.release(connection, box.id, "import", epoch)
    afterwards = sweep.run(HOUR)

    assert (0, 3) == (while_held, afterwards)


def test_an_importer_that_stood_still_cannot_store_under_swept_keys(world: World):
    box = world.workspace().mailbox()
    with world.store.workspace(box.workspace.id) as connection:
        epoch = leases.take(connection, box.workspace.id, box.id, "import", LEASE)
    keys = box.keys(1)
    assert epoch is not None
    age(box, keys)
    with world.store.workspace(box.workspace.id) as connection:
        connection.execute(text("UPDATE lease SET until = now() - interval '1 s'"))

    assert 1 == Sweep(world.store, world.vault).run(HOUR)

    with pytest.raises(Fenced), world.store.workspace(box.workspace.id) as connection:
        leases.hold(connection, box.id, "import", epoch, LEASE)


def test_keys_are_looked_at_once_and_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweeping, "PAGE", 2)
    monkeypatch.setattr(sweeping, "PAGES", 2)
    box = world.workspace().mailbox()
    age(box, box.keys(5), hours=3)
    sweep = Sweep(world.store, world.vault)

    swept = [sweep.run(HOUR) for _ in range(3)]
    age(box, box.keys(1))

    assert [4, 1, 0] == swept
    assert 1 == sweep.run(HOUR)


def test_keys_of_one_workspace_are_swept_up_to_a_time(world: World):
    box, other = world.workspace().mailbox(), world.workspace("B firm").mailbox()
    kept = box.store_mails(count=2)
    box.keys(3)
    other.keys(1)
    order = world.orders.mailbox(other.workspace.id, other.id, ORDERED)
    later = list(box.keys(1))
    before = world.order(order, other.workspace.id).requested_at

    swept = Sweep(world.store, world.vault).keys_of(box.workspace.id, before)

    assert 3 == swept
    assert {*kept, *later} == set(world.vault.message_keys(box.workspace.id, [*kept, *later]))


def test_keys_of_a_mailbox_that_is_gone_are_swept(world: World):
    box = world.workspace().mailbox()
    dead = box.keys(2)
    age(box, dead)
    with world.store.workspace(box.workspace.id) as connection:
        for table in ("folder", "mailbox_grant", "mailbox"):
            column = "id" if table == "mailbox" else "mailbox_id"
            connection.execute(text(f"DELETE FROM {table} WHERE {column} = {box.id}"))

    assert 2 == Sweep(world.store, world.vault).run(HOUR)
