"""Folders, what changed in them, and cursors: the same whoever the provider is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.base import (
    ChangePage,
    Connector,
    Cursor,
    Folder,
    FolderRole,
    MessageRef,
)
from connectors.errors import CursorExpired, FolderGone
from tests.contract.looking import LONG_AGO, described, everything, ids, inbox_of
from tests.contract.mails import letters
from tests.contract.stand import PAGE, Stand, folder_named


def test_folders_have_roles_and_readable_names(stand: Stand):
    stand.create("Kunden in Köln & Bonn")

    folders = {folder.name: folder.role for folder in stand.connector().folders()}

    special = [role for role in folders.values() if role is not FolderRole.OTHER]
    assert sorted(stand.roles) == sorted(special)
    assert folders["Kunden in Köln & Bonn"] is FolderRole.OTHER


def test_a_mark_changes_when_mail_comes_or_goes_and_never_else(stand: Stand):
    stand.deliver(letters(1, 3))
    connector = stand.connector()
    before = inbox_of(connector).mark
    unchanged = inbox_of(connector).mark

    stand.deliver(letters(4, 4))
    after_delivery = inbox_of(connector).mark
    stand.delete([described(connector, everything(connector))[0].ref])
    after_removal = inbox_of(connector).mark

    assert before == unchanged
    assert 3 == len({before, after_delivery, after_removal})


def test_a_folder_is_listed_whole_and_newest_first(stand: Stand):
    stand.deliver(letters(1, 3 * PAGE + 2))
    connector = stand.connector()

    found = described(connector, everything(connector))

    assert [f"{n}@test" for n in range(3 * PAGE + 2, 0, -1)] == ids(found)


def test_an_empty_folder_gives_a_cursor_that_finds_what_comes(stand: Stand):
    connector = stand.connector()
    pages = everything(connector)

    stand.deliver(letters(1, 1))
    found = described(connector, everything(connector, pages[-1].cursor))

    assert [] == described(connector, pages)
    assert ["1@test"] == ids(found)


def test_mail_that_arrives_during_a_listing_is_found_by_the_next_call(stand: Stand):
    stand.deliver(letters(1, 2 * PAGE))
    connector = stand.connector()
    pages: list[ChangePage] = []
    for page in connector.changes(inbox_of(connector), None, None):
        if not pages:
            stand.deliver(letters(901, 902))
        pages.append(page)

    later = everything(connector, pages[-1].cursor)

    found = ids(described(connector, pages)) + ids(described(connector, later))
    assert {f"{n}@test" for n in [*range(1, 2 * PAGE + 1), 901, 902]} == set(found)
    assert {"901@test", "902@test"} <= set(ids(described(connector, later)))


def test_a_listing_resumed_after_every_page_equals_one_without_interruption(stand: Stand):
    stand.deliver(letters(1, 4 * PAGE + 1))
    connector = stand.connector()
    whole = ids(described(connector, everything(connector)))

    found: list[str] = []
    cursor: Cursor | None = None
    for _ in range(20):
        again = stand.connector()
        pages = again.changes(inbox_of(again), cursor, None)
        page = next(pages)
        found += ids(described(stand.connector(), [page]))
        again.close()
        if page.cursor == cursor:
            break
        cursor = page.cursor

    assert whole == list(dict.fromkeys(found))


def test_new_mail_comes_before_the_rest_of_the_past(stand: Stand):
    stand.deliver(letters(1, 3 * PAGE))
    connector = stand.connector()
    first = next(connector.changes(inbox_of(connector), None, None))

    stand.deliver(letters(901, 901))
    pages = everything(stand.connector(), first.cursor)

    assert ["901@test"] == ids(described(stand.connector(), [pages[0]]))
    assert pages[0].live
    assert not any(page.live for page in pages[1:] if page.envelopes)
    past = ids(described(stand.connector(), pages[1:]))
    assert {f"{n}@test" for n in range(1, 2 * PAGE + 1)} == set(past)


def test_many_new_mails_are_all_found_beyond_one_page(stand: Stand):
    stand.deliver(letters(1, 2))
    connector = stand.connector()
    cursor = everything(connector)[-1].cursor

    stand.deliver(letters(3, 3 * PAGE))
    pages = everything(connector, cursor)

    found = sorted(ids(described(connector, pages)))
    assert sorted(f"{n}@test" for n in range(3, 3 * PAGE + 1)) == found
    again = everything(connector, pages[-1].cursor)
    assert [] == described(connector, again)


def test_the_end_of_the_past_is_announced(stand: Stand):
    stand.deliver(letters(1, 3 * PAGE))
    connector = stand.connector()

    remaining = [page.remaining for page in everything(connector)]

    assert sorted(remaining, reverse=True) == remaining
    assert 0 == remaining[-1]


def test_a_moved_message_leaves_one_folder_and_appears_in_the_other(stand: Stand):
    stand.deliver(letters(1, 3))
    connector = stand.connector()
    archive = folder_named(connector, "Archive")
    here = described(connector, everything(connector))
    there = list(connector.changes(archive, None, None))[-1].cursor

    stand.move([here[0].ref], "Archive")
    appeared = described(connector, connector.changes(archive, there, None))

    assert [here[0].ref] == list(connector.gone([envelope.ref for envelope in here]))
    assert [here[0].message_id] == ids(appeared)
    assert here[0].object_id == appeared[0].object_id


def test_a_pinned_cursor_counts_the_past_as_covered(stand: Stand):
    stand.deliver(letters(1, 3))
    connector = stand.connector()

    cursor = connector.pin(inbox_of(connector))
    stand.deliver(letters(4, 4))
    found = described(connector, everything(connector, cursor))

    assert ["4@test"] == ids(found)


@pytest.fixture
def renumbered(stand: Stand) -> Iterator[tuple[Connector, Folder, Cursor, list[MessageRef]]]:
    """A folder whose ids have just lost their meaning, and what was held of it."""
    stand.create("Kunden")
    stand.deliver(letters(1, PAGE + 2), folder="Kunden")
    connector = stand.connector()
    pages = list(connector.changes(folder_named(connector, "Kunden"), None, None))
    refs = [envelope.ref for envelope in described(connector, pages)]
    connector.close()
    stand.renumber("Kunden")
    again = stand.connector()
    yield again, folder_named(again, "Kunden"), pages[-1].cursor, refs
    again.close()


def test_a_renumbered_folder_expires_its_cursor_and_is_listed_again(renumbered):
    connector, folder, cursor, _ = renumbered

    pages = list(connector.changes(folder, cursor, None))

    assert [True] + [False] * (len(pages) - 1) == [page.expired for page in pages]
    assert {f"{n}@test" for n in range(1, PAGE + 3)} == set(ids(described(connector, pages)))
    assert not any(page.removed for page in pages)


def test_ids_of_a_renumbered_folder_are_unknown_rather_than_gone(
    stand: Stand, renumbered: tuple[Connector, Folder, Cursor, list[MessageRef]]
):
    connector, _, _, refs = renumbered

    if stand.ids_outlive_renumbering:
        assert [] == list(connector.gone(refs))
        assert len(refs) == len(list(connector.fetch(refs)))
        return
    with pytest.raises(CursorExpired):
        connector.gone(refs)
    with pytest.raises(CursorExpired):
        list(connector.fetch(refs))


def test_a_cursor_that_nobody_wrote_expires(stand: Stand):
    stand.deliver(letters(1, 1))
    connector = stand.connector()

    pages = everything(connector, Cursor("nonsense"))

    assert pages[0].expired
    assert ["1@test"] == ids(described(connector, pages))


def test_mail_before_the_wanted_time_is_left_out_until_it_is_wanted(stand: Stand):
    stand.deliver(letters(1, 3), at=LONG_AGO)
    stand.deliver(letters(4, 6), at=LONG_AGO + timedelta(hours=1))
    stand.deliver(letters(7, 8))
    connector = stand.connector()
    since = LONG_AGO + timedelta(minutes=30)

    pages = everything(connector, since=since)
    repeated = everything(connector, pages[-1].cursor, since)
    longer = everything(connector, pages[-1].cursor, LONG_AGO - timedelta(days=1))

    assert {f"{n}@test" for n in range(4, 9)} == set(ids(described(connector, pages)))
    assert [] == described(connector, repeated)
    assert {f"{n}@test" for n in range(1, 9)} == set(ids(described(connector, longer)))


def test_a_folder_that_does_not_exist_is_said_to_be_gone(stand: Stand):
    connector = stand.connector()
    missing = Folder("Nirgends", "Nirgends", FolderRole.OTHER)

    with pytest.raises(FolderGone):
        list(connector.changes(missing, None, None))

    assert FolderRole.INBOX is inbox_of(connector).role
