"""`$search` of messages, in the Keyword Query Language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes_own.clients import mail

MAILS = {
    "in": mail("Lead <lead@else.example>", "eva@firm.example", "Offer", "about pizza"),
    "out": mail("eva@firm.example", "lead@else.example", "Answer"),
    "copy": mail("max@firm.example", "eva@firm.example", extra="Cc: Lead <lead@else.example>\r\n"),
    "longer": mail("someone@else.example.org", "lead@else.example.org"),
    "other": mail("kim@other.example", "eva@firm.example", "lead else example"),
}


@pytest.fixture
def found(eva, graph):
    """Return the names of the mails that a search finds."""
    begin = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ids = {
        eva.deliver(raw, at=begin + timedelta(days=n)): name
        for n, (name, raw) in enumerate(MAILS.items())
    }

    def search(text: str) -> set[str]:
        answer = graph.get("/me/messages", params={"$search": text, "$select": "id"})
        return {ids[each["id"]] for each in answer["value"]}

    return search


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        # Words are compared, not addresses: a longer one is found as well.
        ("in out copy longer", "participants:lead@else.example"),
        ("in", "from:lead@else.example"),
        ("out longer", "to:lead@else.example"),
        ("copy", "cc:lead"),
        ("out copy longer", "recipients:lead@else.example"),
        ("in out copy longer", 'participants:\\"lead@else.example\\"'),
        ("longer", "participants:else.example.org"),
        ("in other", "from:lead@else.example OR from:kim@other.example"),
        ("in other", "from:lead@else.example from:kim@other.example"),
        ("in", "from:lead@else.example AND subject:offer"),
        ("in", "from:lead subject:offer"),
        ("out copy longer", "participants:lead NOT from:lead"),
        ("in", "pizza"),
        ("other", "lead AND NOT participants:lead"),
        ("longer other", "received>=2026-03-04"),
        ("other", "received>2026-03-04"),
        ("in out", "received<2026-03-03"),
        ("in out copy", "received<=2026-03-03"),
        ("copy", "received:2026-03-03"),
        ("copy", "received:03/03/2026"),
        ("out copy", "received:2026-03-02..2026-03-03"),
        (
            "longer",
            "(participants:lead OR from:kim) AND received>=2026-03-04 AND received<2026-03-05",
        ),
        ("other", "received>=2026-03-05T12:00:00Z"),
        ("", "participants:nobody@else.example"),
        ("", "participants:lea"),
    ],
)
def test_a_search_finds(expected, text, found):
    assert set(expected.split()) == found(f'"{text}"')


@pytest.mark.parametrize(
    ("refused", "query"),
    [
        ((400, "BadRequest"), {"$search": "participants:lead"}),
        ((400, "SearchWithFilter"), {"$search": '"x"', "$filter": "isRead eq false"}),
        ((400, "SearchWithOrderBy"), {"$search": '"x"', "$orderby": "receivedDateTime"}),
        ((501, "notImplemented"), {"$search": '"unheard:x"'}),
        ((501, "notImplemented"), {"$search": '"(from:x"'}),
        ((501, "notImplemented"), {"$search": '"from:x OR"'}),
        ((501, "notImplemented"), {"$search": '"received>=soon"'}),
    ],
)
def test_a_search_that_is_not_as_documented_is_refused(refused, query, graph):
    assert refused == graph.refusal("/me/messages", params=query)


def test_a_search_ends_at_a_thousand_the_latest_sent_first(microsoft, eva, graph):
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    dates = [begin + timedelta(minutes=n) for n in range(1_005)]
    raws = [mail(extra=f"Date: {each:%a, %d %b %Y %H:%M:%S} +0000\r\n") for each in dates]
    ids = eva.load(mails=raws)

    listed: list[str] = []
    path = '/me/messages?$search="from:lead@elsewhere.example"&$select=id&$top=400'
    while path:
        answer = graph.get(path)
        listed += [each["id"] for each in answer["value"]]
        path = answer.get("@odata.nextLink", "")

    assert list(reversed(ids))[:1_000] == listed
    assert ['"from:lead@elsewhere.example"'] * 3 == eva.counters().searches


def test_a_search_may_not_find_yet_what_has_just_come(microsoft, eva, graph):
    microsoft.configure({"index_lag": 60})
    message_id = eva.deliver(mail())
    path = '/me/messages?$search="offer"&$select=id'

    before = graph.get(path)["value"]
    microsoft.advance(timedelta(minutes=2))
    after = graph.get(path)["value"]

    assert ([], [message_id]) == (before, [each["id"] for each in after])


def test_a_folder_can_be_searched(eva, graph):
    eva.deliver(mail())
    archived = eva.deliver(mail(), folder="archive")

    answer = graph.get('/me/mailFolders/archive/messages?$search="offer"&$select=id')

    assert [archived] == [each["id"] for each in answer["value"]]
