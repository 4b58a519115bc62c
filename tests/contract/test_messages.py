"""Searches, envelopes and whole mails: the same whoever the provider is."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

from mail.address import Address
from tests.contract.looking import LEAD, LONG_AGO, described, everything, ids, inbox_of, refs_of
from tests.contract.mails import letter, letters
from tests.contract.stand import PAGE, Stand


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
        # Measured with a server of its own: tests/connectors/test_api_memory.py.
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
