"""Graph's searches, cursors, refusals and descriptions, as values."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Cursor, FolderRole, MessageRef
from connectors.errors import (
    ClaimsWanted,
    CursorExpired,
    GrantRevoked,
    MessageGone,
    Misbehaved,
    Throttled,
    Unreachable,
)
from connectors.graph.account import GraphAccount
from connectors.graph.cursor import Position
from connectors.graph.folders import mark_of, role_in
from connectors.graph.query import Days, groups, search_for
from connectors.graph.records import SELECT, UNKNOWN_TIME, envelope_of
from connectors.graph.refusals import Forbidden, refusal
from connectors.graph.search import middle
from connectors.oauth.errors import NoMailbox
from connectors.oauth.wire import Reply
from mail.address import Address

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING_ELSE = ("subject", "preview", "body", "uniquebody", "attachments", "internetmessageheaders")

addresses = st.lists(
    st.from_regex(r"[a-z0-9.+'&]{1,40}@[a-z0-9]{1,30}\.example", fullmatch=True).map(Address),
    unique=True,
    min_size=1,
    max_size=60,
)


@given(addresses, st.integers(120, 2000))
def test_every_address_is_searched_for_once_and_no_search_is_too_long(asked, limit):
    made = list(groups(asked, limit))

    assert asked == [address for group in made for address in group]
    assert all(len(search_for(group, Days())) <= limit for group in made)


@pytest.mark.parametrize(
    ("address", "search"),
    [
        ("anna@kunde.example", '"participants:anna@kunde.example"'),
        ("@kunde.example", '"participants:kunde.example"'),
        ("a+b@kunde.example", '"participants:\\"a+b@kunde.example\\""'),
        ('"a b"@kunde.example', '"participants:\\" a b @kunde.example\\""'),
        ('x" OR subject:y@z.example', '"participants:\\"x  OR subject:y@z.example\\""'),
        ("a\\@b.example", '"participants:\\"a @b.example\\""'),
    ],
    ids=["an address", "a domain", "with a sign", "quoted", "an injection", "a backslash"],
)
def test_an_address_is_one_word_of_a_search_and_nothing_else(address, search):
    assert search == search_for([Address(address)], Days())


def test_a_search_is_kept_to_days_for_all_of_its_addresses():
    days = Days(date(2026, 1, 1), date(2026, 2, 1))

    found = search_for([Address("a@x.example"), Address("b@x.example")], days)

    words = "(participants:a@x.example OR participants:b@x.example)"
    assert f'"{words} AND received>=2026-01-01 AND received<2026-02-01"' == found


@given(
    st.lists(st.integers(0, 4000), min_size=1, max_size=50),
    st.none() | st.integers(0, 4000),
    st.none() | st.integers(2, 4000),
)
def test_a_span_of_days_is_parted_into_two_that_are_less(numbers, first, length):
    begin = date(2020, 1, 1)
    days = Days(
        None if first is None else begin + first * DAY,
        None if first is None or length is None else begin + (first + length) * DAY,
    )
    found = [envelope_of(item(received=NOON - number * DAY)) for number in numbers]

    day = middle(found, days)
    newer, older = days.parted(day)

    assert days.first is None or days.first < day
    assert days.end is None or day < days.end
    assert (days.first, day, day, days.end) == (older.first, older.end, newer.first, newer.end)


def test_a_span_of_one_day_is_not_parted():
    assert Days(date(2026, 1, 1), date(2026, 1, 2)).is_one
    assert not Days(date(2026, 1, 1), date(2026, 1, 3)).is_one
    assert not Days(date(2026, 1, 1), None).is_one


def item(received: datetime = NOON, **more: Any) -> dict[str, Any]:
    """Write a message as Graph describes it."""
    return {
        "id": "AAkA1",
        "parentFolderId": "AAMkInbox",
        "receivedDateTime": f"{received:%Y-%m-%dT%H:%M:%SZ}",
        **more,
    }


def person(address: str) -> dict[str, Any]:
    return {"emailAddress": {"name": "Someone", "address": address}}


def test_an_envelope_is_read_from_what_was_asked_for():
    envelope = envelope_of(
        item(
            NOON,
            **{"from": person("Lead@Kunde.example"), "sender": person("assistant@kunde.example")},
            toRecipients=[person("a@firma.example"), person("a@firma.example")],
            ccRecipients=[person("/O=EXCHANGELABS/OU=X/CN=RECIPIENTS/CN=B"), {}],
            bccRecipients=[person("c@firma.example")],
            replyTo=[person("r@kunde.example")],
            internetMessageId="<1@test>",
            conversationId="AAQk1",
            singleValueExtendedProperties=[{"id": "Integer 0xe08", "value": "4711"}],
        )
    )

    assert MessageRef("AAMkInbox", "AAkA1") == envelope.ref
    assert ("lead@kunde.example", "assistant@kunde.example") == envelope.sender
    assert ("a@firma.example", "c@firma.example") == envelope.recipients
    assert ("r@kunde.example",) == envelope.reply_to
    assert (4711, NOON, "1@test") == (envelope.size, envelope.received_at, envelope.message_id)
    assert ("AAkA1", "AAQk1") == (envelope.object_id, envelope.thread_id)


def test_a_message_with_nothing_in_it_is_an_envelope_too():
    bare = envelope_of(item(NOON, **{"from": None, "toRecipients": None, "replyTo": []}))

    assert ((), (), (), "", 0) == (
        *(bare.sender, bare.recipients, bare.reply_to),
        *(bare.message_id, bare.size),
    )


def test_a_message_without_a_time_is_an_envelope_and_one_without_a_place_is_none():
    timeless = [envelope_of({**item(), "receivedDateTime": said}) for said in (None, "", "soon")]

    assert {UNKNOWN_TIME} == {envelope.received_at for envelope in timeless}
    with pytest.raises(Misbehaved):
        envelope_of({"id": "AAkA1"})


def test_neither_subject_nor_preview_nor_body_is_ever_selected():
    assert not {name.lower() for name in SELECT.split(",")} & set(NOTHING_ELSE)


def test_a_cursor_is_read_as_it_was_written():
    for until in (None, 1795608000):
        position = Position(
            link="$skiptoken=R0usmci39OQxqJrx:K4",
            is_first=until is None,
            listed=70,
            newest=1795608000,
            since=7,
            until=until,
            listed_at=1795607999,
        )

        assert position == Position.read(position.written())


@pytest.mark.parametrize(
    "cursor",
    ["", "nonsense", "m1:later:0:0:0:-:0:", "m1:later:a:0:0:-:0:$deltatoken=x", "g1:1:2:3:4:-"],
)
def test_a_cursor_that_nobody_wrote_is_expired(cursor):
    with pytest.raises(CursorExpired):
        Position.read(Cursor(cursor))


def covered(since: datetime | None) -> Position:
    beginning = Position.beginning(since, NOON)
    return Position.read(
        Cursor(beginning.written().replace(":first:", ":later:") + "$deltatoken=x")
    )


def test_a_longer_past_is_listed_from_the_top_and_a_shorter_one_is_not():
    march, june, august = (NOON.replace(month=month) for month in (3, 6, 8))
    position = covered(june)

    longer = position.reaching(march, NOON)
    whole = position.reaching(None, NOON)
    shorter = position.reaching(august, NOON)
    again = shorter.reaching(june, NOON)

    assert position == position.reaching(june, NOON)
    top = int((NOON + DAY).timestamp())
    assert (int(march.timestamp()), top) == (longer.since, longer.until)
    assert (0, longer.until) == (whole.since, whole.until)
    assert (int(august.timestamp()), None) == (shorter.since, shorter.until)
    assert (int(june.timestamp()), top) == (again.since, again.until)


def test_a_folder_is_listed_once_more_when_that_is_long_ago():
    position = covered(None)

    soon = position.renewed(NOON + DAY, 7 * DAY)
    late = position.renewed(NOON + 7 * DAY, 7 * DAY)

    assert position == soon
    assert late.is_behind
    assert position.link == late.link


def reply(status: int, code: str = "", **headers: str) -> Reply:
    body = orjson.dumps({"error": {"code": code, "message": "of no interest"}})
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("answer", "reaction"),
    [
        (reply(401, "InvalidAuthenticationToken"), GrantRevoked),
        (reply(403, "ErrorAccessDenied"), Forbidden),
        (reply(404, "ErrorItemNotFound"), MessageGone),
        (reply(400, "ErrorInvalidIdMalformed"), MessageGone),
        (reply(404, "MailboxNotEnabledForRESTAPI"), NoMailbox),
        (reply(410, "resyncRequired"), CursorExpired),
        (reply(404, "syncStateNotFound"), CursorExpired),
        (reply(400, "resyncChangesApplyDifferences"), CursorExpired),
        (reply(429, "ApplicationThrottled", retry_after="7"), Throttled),
        (reply(503, "ServiceUnavailable", retry_after="7"), Throttled),
        (reply(504, "UnknownError"), Unreachable),
        (reply(400, "BadRequest"), Misbehaved),
        (Reply(400, {}, b"<html>"), Misbehaved),
    ],
    ids=lambda value: f"{value.status} {value.body[:30]!r}" if isinstance(value, Reply) else "",
)
def test_what_an_answer_means_is_told_by_its_code(answer, reaction):
    told = refusal(answer)

    assert reaction is type(told)
    assert "of no interest" not in str(told)


def test_the_time_to_wait_is_the_servers_and_of_a_crowd_a_short_one():
    crowd = b'{"error": {"code": "ApplicationThrottled", "message": "its MailboxConcurrency"}}'

    asked = refusal(reply(429, retry_after="7"))
    crowded = refusal(Reply(429, {}, crowd))

    assert isinstance(asked, Throttled)
    assert timedelta(seconds=7) == asked.retry_after
    assert isinstance(crowded, Throttled)
    assert timedelta(seconds=1) <= crowded.retry_after <= timedelta(seconds=3)


def test_a_claims_challenge_is_handed_on_and_nonsense_is_a_refused_token():
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1795608000"}}}'
    header = f'Bearer realm="", error="insufficient_claims", claims="{encoded(claims)}"'

    told = refusal(reply(401, www_authenticate=header))
    nonsense = refusal(reply(401, www_authenticate='Bearer claims="bm9uc2Vuc2U="'))

    assert isinstance(told, ClaimsWanted)
    assert claims == told.claims
    assert GrantRevoked is type(nonsense)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


def test_what_lies_in_the_bin_is_trash_and_what_lies_elsewhere_is_its_own():
    roles = {"bin": FolderRole.TRASH, "in": FolderRole.INBOX}

    assert FolderRole.TRASH is role_in([{"id": "x"}, {"id": "y"}, {"id": "bin"}], roles)
    assert FolderRole.OTHER is role_in([{"id": "x"}, {"id": "in"}], roles)
    assert FolderRole.INBOX is role_in([{"id": "in"}], roles)


def test_a_folder_has_a_mark_only_if_everything_that_changes_it_is_told():
    changed = {"id": "SystemTime 0x670a", "value": "2026-11-25T12:00:00Z"}
    removed = {"id": "Integer 0x670b", "value": "3"}
    counts = {"totalItemCount": 4, "unreadItemCount": 1}

    marked = mark_of({**counts, "singleValueExtendedProperties": [changed, removed]})

    assert "4.1.2026-11-25T12:00:00Z.3" == marked
    assert None is mark_of({**counts, "singleValueExtendedProperties": [changed]})
    assert None is mark_of({**counts, "singleValueExtendedProperties": [removed]})
    empty = {"totalItemCount": 0, "unreadItemCount": 0}
    assert "0.0.None.3" == mark_of({**empty, "singleValueExtendedProperties": [removed]})
    assert None is mark_of(counts)


def test_a_mailbox_that_is_not_the_tokens_own_is_named_and_nothing_shows_it():
    own = GraphAccount("secret")
    shared = GraphAccount("secret", address=Address("o'neil+x@kunde.example"))

    assert "/me" == own.root
    assert "/users/o%27neil%2Bx@kunde.example" == shared.root
    assert "secret" not in repr(shared)
    assert "kunde" not in repr(shared)
