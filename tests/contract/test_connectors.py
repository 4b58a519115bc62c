"""What the rest of Leadmail relies on, whoever the provider is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import (
    ChangePage,
    Connector,
    Cursor,
    Envelope,
    Folder,
    FolderRole,
    Found,
    MessageRef,
)
from connectors.errors import CursorExpired, FolderGone
from mail.address import Address
from tests.contract.mails import letter, letters
from tests.contract.stand import PAGE, Stand, folder_named

LEAD = Address("lead@kunde.example")
LONG_AGO = datetime(2019, 5, 1, 12, tzinfo=UTC)


def inbox_of(connector: Connector) -> Folder:
    return next(folder for folder in connector.folders() if folder.role is FolderRole.INBOX)


def everything(
    connector: Connector, cursor: Cursor | None = None, since: datetime | None = None
) -> list[ChangePage]:
    return list(connector.changes(inbox_of(connector), cursor, since))


def ids(found: Iterable[Envelope]) -> list[str]:
    return [envelope.message_id for envelope in found]


def described(connector: Connector, pages: Iterable[ChangePage]) -> list[Envelope]:
    """All envelopes of the pages, also of messages that were named by id only."""
    found: list[Envelope] = []
    for page in pages:
        found += page.envelopes
        found += connector.envelopes(page.refs)
    return found


def refs_of(found: Iterable[Found]) -> list[MessageRef]:
    return [one.ref for one in found]


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


def test_an_envelope_tells_addresses_ids_size_and_time_and_nothing_else(stand: Stand):
    mail = letter(1, extra=b"Cc: b@x.example\r\nReply-To: r@x.example\r\n")
    stand.deliver([mail], at=LONG_AGO)
    connector = stand.connector()

    (envelope,) = described(connector, everything(connector))

    assert (LEAD,) == envelope.sender
    assert {"anna@firma.example", "b@x.example"} == set(envelope.recipients)
    assert ("r@x.example",) == envelope.reply_to
    assert "1@test" == envelope.message_id
    assert len(mail) == envelope.size
    assert LONG_AGO == envelope.received_at
    assert stand.has_object_ids == bool(envelope.object_id)


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


def test_removed_messages_are_reported_or_found_to_be_gone(stand: Stand):
    stand.deliver(letters(1, 10))
    connector = stand.connector()
    pages = everything(connector)
    held = {envelope.message_id: envelope.ref for envelope in described(connector, pages)}
    lost = {held["3@test"], held["4@test"], held["9@test"]}

    stand.delete(sorted(lost, key=lambda ref: ref.id))
    later = everything(connector, pages[-1].cursor)

    if connector.reports_removals:
        assert lost == {ref for page in later for ref in page.removed} & set(held.values())
    assert lost == set(connector.gone(list(held.values())))


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


def test_search_finds_every_mail_that_names_an_address(stand: Stand):
    other = "x@other.example"
    stand.deliver(
        [
            letter(1),
            letter(2, sender=other, to=str(LEAD).upper()),
            letter(3, sender=other, extra=b"Cc: Q <a@b.example>, %s\r\n" % LEAD.encode()),
            letter(4, sender=other, extra=b"Bcc: %s\r\n" % LEAD.encode()),
            letter(5, sender=other, extra=b"Reply-To: %s\r\n" % LEAD.encode()),
            letter(6, sender=other),
        ]
    )
    connector = stand.connector()

    refs = refs_of(connector.find(inbox_of(connector), [LEAD], None))

    last = 5 if stand.finds_reply_to else 4
    assert {f"{n}@test" for n in range(1, last + 1)} <= set(ids(connector.envelopes(refs)))


def test_search_takes_hundreds_of_addresses_and_whole_domains(stand: Stand):
    senders = [f"person{n}@firm-{n}.example" for n in range(300)]
    stand.deliver([letter(n, sender=senders[n]) for n in (0, 7, 150, 299)])
    connector = stand.connector()
    folder = inbox_of(connector)

    by_address = refs_of(connector.find(folder, [Address(each) for each in senders], None))
    by_domain = refs_of(connector.find(folder, [Address("@firm-150.example")], None))
    nobody = refs_of(connector.find(folder, [Address("nobody@nowhere.example")], None))

    assert {"0@test", "7@test", "150@test", "299@test"} == set(ids(connector.envelopes(by_address)))
    assert ["150@test"] == ids(connector.envelopes(by_domain))
    assert [] == nobody


def test_search_keeps_to_the_wanted_time_give_or_take_a_day(stand: Stand):
    stand.deliver(letters(1, 2), at=LONG_AGO)
    stand.deliver(letters(3, 4))
    connector = stand.connector()

    refs = refs_of(connector.find(inbox_of(connector), [LEAD], LONG_AGO + timedelta(days=30)))

    assert {"3@test", "4@test"} == set(ids(connector.envelopes(refs)))


def test_a_pinned_cursor_counts_the_past_as_covered(stand: Stand):
    stand.deliver(letters(1, 3))
    connector = stand.connector()

    cursor = connector.pin(inbox_of(connector))
    stand.deliver(letters(4, 4))
    found = described(connector, everything(connector, cursor))

    assert ["4@test"] == ids(found)


def test_envelopes_by_reference_equal_those_of_the_listing(stand: Stand):
    stand.deliver(letters(1, 2 * PAGE))
    connector = stand.connector()
    listed = described(connector, everything(connector))

    again = list(connector.envelopes([envelope.ref for envelope in listed]))

    assert sorted(listed, key=repr) == sorted(again, key=repr)


def test_fetched_bytes_are_the_delivered_bytes(stand: Stand):
    mails = {
        "1@test": letter(1),
        "2@test": letter(2, body=b""),
        "3@test": letter(3, body="Grüße\r\n".encode("latin-1"), extra=b"X: 8bit\r\n"),
        "4@test": letter(4, body=b")\r\nL9 OK done\r\n* 3 FETCH (UID 3 BODY[] {9}\r\n\r\n"),
        "5@test": letter(
            5, body=b"a" * 5000 + b"\r\n" + bytes(set(range(1, 256)) - {10, 13}) + b"\r\n"
        ),
        "6@test": letter(6, body=b"no newline at the end"),
    }
    stand.deliver(mails.values())
    connector = stand.connector()
    listed = {e.ref: e.message_id for e in described(connector, everything(connector))}

    fetched = {listed[raw.ref]: raw.raw for raw in connector.fetch(list(listed))}

    assert mails["4@test"] == fetched["4@test"]
    assert {name: len(raw) for name, raw in mails.items()} == {
        name: len(raw) for name, raw in fetched.items()
    }
    assert mails == fetched


def test_what_is_gone_is_left_out_of_envelopes_and_messages(stand: Stand):
    stand.deliver(letters(1, 5))
    connector = stand.connector()
    refs = {e.message_id: e.ref for e in described(connector, everything(connector))}

    stand.delete([refs["2@test"]])
    kept = set(refs.values()) - {refs["2@test"]}

    assert kept == {envelope.ref for envelope in connector.envelopes(list(refs.values()))}
    assert kept == {raw.ref for raw in connector.fetch(list(refs.values()))}


def test_nothing_is_asked_for_nothing(stand: Stand):
    connector = stand.connector()

    assert [] == list(connector.envelopes([]))
    assert [] == list(connector.fetch([]))
    assert [] == list(connector.gone([]))


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


def test_nothing_in_the_mailbox_is_ever_changed(stand: Stand):
    stand.deliver(letters(1, PAGE + 1))
    before = stand.state()
    connector = stand.connector()

    pages = everything(connector)
    refs = [envelope.ref for envelope in described(connector, pages)]
    list(connector.find(inbox_of(connector), [LEAD], LONG_AGO))
    list(connector.envelopes(refs))
    list(connector.fetch(refs))
    connector.gone(refs)
    everything(connector, pages[-1].cursor)
    connector.revoke()

    assert before == stand.state()
    assert [] == stand.writes()


def test_a_big_mail_takes_little_more_memory_than_itself(stand: Stand):
    if stand.shares_our_memory:
        # Measured with a server of its own: tests/connectors/test_gmail_memory.py.
        return
    size = 24 * 2**20
    stand.deliver([letter(1, body=(b"x" * 76 + b"\r\n") * (size // 78))])
    connector = stand.connector()
    refs = [envelope.ref for envelope in described(connector, everything(connector))]

    tracemalloc.start()
    try:
        (raw,) = connector.fetch(refs)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size < len(raw.raw) + 1000
    assert peak < 1.5 * size


def test_an_abandoned_listing_does_not_disturb_what_follows(stand: Stand):
    stand.deliver(letters(1, 4 * PAGE))
    connector = stand.connector()

    listing = connector.changes(inbox_of(connector), None, None)
    first = next(listing)
    refs = [*first.refs, *(envelope.ref for envelope in first.envelopes)]
    listing.close()  # type: ignore[attr-defined]  # it is a generator
    bodies = connector.fetch(refs)
    next(bodies)
    bodies.close()  # type: ignore[attr-defined]  # as above

    assert 4 * PAGE == len(described(connector, everything(connector)))


def test_closing_twice_is_harmless_and_the_connector_opens_again(stand: Stand):
    stand.deliver(letters(1, 1))
    connector = stand.connector()
    connector.close()
    everything(connector)
    connector.close()
    connector.close()

    assert 1 == len(described(connector, everything(connector)))
