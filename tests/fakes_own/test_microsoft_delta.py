"""Delta of messages and folders: rounds, removals, links that carry their query and expire."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from tests.fakes_own.clients import mail
from tests.fakes_own.outlook import IMMUTABLE, told

INBOX = "/me/mailFolders/inbox/messages/delta"
SIZE = "$expand=singleValueExtendedProperties($filter=id eq 'Integer 0x0E08')"


def test_a_round_tells_all_page_by_page_with_the_query_inside_of_its_links(eva, graph):
    ids = [eva.deliver(mail()) for _ in range(5)]

    first = graph.get(f"{INBOX}?$select=from&{SIZE}", prefer=f"{IMMUTABLE}, odata.maxpagesize=2")
    rest, link = graph.round(first["@odata.nextLink"], page=2)

    assert 2 == len(first["value"])
    assert set(ids) == {each["id"] for each in [*first["value"], *rest]}
    assert all("singleValueExtendedProperties" in each for each in rest)
    assert {"from": 5} == eva.counters().selected
    assert not urlsplit(link).query.startswith("$select")


def test_the_next_round_tells_what_has_changed(eva, graph):
    read, gone, moved, trashed, _ = (eva.deliver(mail()) for _ in range(5))
    _, link = graph.round(f"{INBOX}?$select=isRead")

    eva.mark_read(read)
    eva.delete(gone)
    eva.move(moved, "archive")
    eva.trash(trashed)
    new = eva.deliver(mail())
    items, link = graph.round(link)

    changes = {read: "", gone: "deleted", moved: "deleted", trashed: "changed", new: ""}
    assert changes == told(items)
    assert {"isRead": True} == {k: v for k, v in items[0].items() if k == "isRead"}
    assert ([], False) == (graph.round(link)[0], link == INBOX)


def test_a_move_is_told_by_both_folders_or_by_the_old_one_only(microsoft, eva, graph):
    archive = "/me/mailFolders/archive/messages/delta?$select=id"
    one, two = eva.deliver(mail()), eva.deliver(mail())
    (_, left), (_, right) = graph.round(f"{INBOX}?$select=id"), graph.round(archive)

    eva.move(one, "archive")
    (gone, left), (come, right) = graph.round(left), graph.round(right)
    microsoft.configure({"move_shows_in_target": False})
    eva.move(two, "archive")
    (also_gone, _), (nothing, _) = graph.round(left), graph.round(right)

    assert ({one: "deleted"}, {one: ""}) == (told(gone), told(come))
    assert ({two: "deleted"}, {}) == (told(also_gone), told(nothing))
    listed = graph.get("/me/mailFolders/archive/messages?$select=id")["value"]
    assert {one, two} == {each["id"] for each in listed}


def test_away_and_back_is_no_change_here_and_a_removal_there(eva, graph):
    archive = "/me/mailFolders/archive/messages/delta?$select=id"
    message_id = eva.deliver(mail())
    (_, left), (_, right) = graph.round(f"{INBOX}?$select=id"), graph.round(archive)

    eva.move(message_id, "archive")
    eva.move(message_id, "inbox")

    assert {} == told(graph.round(left)[0])
    assert {message_id: "deleted"} == told(graph.round(right)[0])


def test_without_immutable_ids_a_move_tells_the_old_id_and_a_new_one(eva, graph):
    message_id = eva.deliver(mail())
    before = eva.rest_id(message_id)
    first = graph.get(f"{INBOX}?$select=id", prefer="")

    eva.move(message_id, "archive")
    eva.move(message_id, "inbox")
    second = graph.get(first["@odata.deltaLink"], prefer="")

    assert {before: "deleted", eva.rest_id(message_id): ""} == told(second["value"])


def test_what_happens_during_a_round_is_told_in_the_next_one(eva, graph):
    ids = [eva.deliver(mail()) for _ in range(4)]
    first = graph.get(f"{INBOX}?$select=id", prefer=f"{IMMUTABLE}, odata.maxpagesize=2")
    seen = {each["id"] for each in first["value"]}
    unseen = next(each for each in ids if each not in seen)

    new = eva.deliver(mail())
    eva.delete(unseen)
    rest, link = graph.round(first["@odata.nextLink"])

    assert 3 == len(seen | {each["id"] for each in rest})
    assert {new: "", unseen: "deleted"} == told(graph.round(link)[0])


def test_a_link_can_be_used_again(eva, graph):
    _, link = graph.round(INBOX)
    new = eva.deliver(mail())

    assert {new: ""} == told(graph.round(link)[0]) == told(graph.round(link)[0])


def test_a_round_may_tell_everything_again_and_some_of_it_twice(eva, graph):
    ids = [eva.deliver(mail()) for _ in range(3)]
    _, link = graph.round(INBOX)

    eva.replay()
    items, link = graph.round(link)

    assert set(ids) == set(told(items))
    assert len(ids) < len(items)
    assert [] == graph.round(link)[0]


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("gone", 410, "SyncStateNotFound"),
        ("resyncRequired", 410, "resyncRequired"),
        ("syncStateNotFound", 404, "SyncStateNotFound"),
    ],
)
def test_a_link_that_has_expired_says_where_to_begin_again(how, status, code, eva, graph):
    message_id = eva.deliver(mail())
    _, link = graph.round(f"{INBOX}?$select=subject")
    _, other = graph.round("/me/mailFolders/archive/messages/delta")

    eva.expire_links("inbox", how)
    answer = graph.ask("GET", link)

    assert (status, code) == (answer.status_code, answer.json()["error"]["code"])
    assert [] == graph.round(other)[0]
    assert (status == 410) is ("location" in answer.headers)
    again = graph.round(answer.headers.get("location", f"{INBOX}?$select=subject"))
    assert [("Offer", message_id)] == [(each["subject"], each["id"]) for each in again[0]]


def test_a_filter_goes_with_all_rounds_and_ends_the_first_one_early(microsoft, eva, graph):
    microsoft.configure({"filtered_most": 2})
    for day in range(1, 6):
        eva.deliver(mail(), at=datetime(2026, 1, day, tzinfo=UTC))

    items, _ = graph.round(
        f"{INBOX}?$select=receivedDateTime&$filter=receivedDateTime ge 2026-01-02T00:00:00Z"
    )

    assert ["2026-01-05T00:00:00Z", "2026-01-04T00:00:00Z"] == [
        each["receivedDateTime"] for each in items
    ]


@pytest.mark.parametrize("kind", ["created", "updated", "deleted"])
def test_one_kind_of_change_can_be_asked_for(kind, eva, graph):
    old, gone = eva.deliver(mail()), eva.deliver(mail())
    _, link = graph.round(f"{INBOX}?changeType={kind}&$select=id")

    new = eva.deliver(mail())
    eva.mark_read(old)
    eva.delete(gone)

    expected = {"created": {new: ""}, "updated": {old: ""}, "deleted": {gone: "deleted"}}
    assert expected[kind] == told(graph.round(link)[0])


def test_an_update_may_tell_no_more_than_has_changed(microsoft, eva, graph):
    microsoft.configure({"partial_updates": True})
    message_id = eva.deliver(mail())
    _, link = graph.round(f"{INBOX}?$select=from,isRead")

    eva.mark_read(message_id)
    ((item,), _) = graph.round(link)

    assert (True, False) == (item["isRead"], "from" in item)


@pytest.mark.parametrize(
    ("refused", "query"),
    [
        ((400, "ErrorInvalidUrlQuery"), '?$search="x"'),
        ((400, "ErrorInvalidUrlQuery"), "?$filter=isRead eq false"),
        ((400, "ErrorInvalidUrlQuery"), "?$filter=receivedDateTime lt 2026-01-01T00:00:00Z"),
        ((400, "ErrorInvalidUrlQuery"), "?$orderby=receivedDateTime asc"),
        ((400, "ErrorInvalidUrlQuery"), "?changeType=moved"),
        ((400, "ErrorInvalidUrlQuery"), "?$skip=1"),
        ((400, "RequestBroker--ParseUri"), "?$select=size"),
        ((400, "ErrorInvalidSyncStateData"), "?$deltatoken=unheard-of"),
        ((400, "ErrorInvalidSyncStateData"), "?$deltatoken=latest"),
        ((400, "ErrorInvalidUrlQuery"), "?$deltatoken=x&$select=id"),
    ],
)
def test_a_delta_takes_few_options(refused, query, graph):
    assert refused == graph.refusal(INBOX + query)


def test_a_link_is_of_its_folder_only(graph):
    _, link = graph.round(INBOX)
    token = urlsplit(link).query

    refused = graph.refusal(f"/me/mailFolders/archive/messages/delta?{token}")

    assert (400, "ErrorInvalidSyncStateData") == refused


def test_a_delta_may_fail_at_extended_properties(microsoft, graph):
    microsoft.configure({"expands_in_delta": False})

    assert (500, "ErrorInternalServerError") == graph.refusal(f"{INBOX}?{SIZE}")


def test_folders_have_a_delta_of_whatever_depth(eva, graph):
    eva.create_folder("2025", parent="archive")
    path = "/me/mailFolders/delta?$select=displayName,parentFolderId,isHidden"
    items, link = graph.round(path, page=3)

    new = eva.create_folder("New")
    eva.rename_folder("Archive/2025", "Older")
    removed = eva.create_folder("Short")
    eva.remove_folder("Short")
    changed, link = graph.round(link)

    assert {"Inbox", "2025"} <= {each["displayName"] for each in items}
    assert {new: "", eva.folder_id("Archive/Older"): "", removed: "deleted"} == told(changed)
    assert [] == graph.round(link)[0]
    eva.expire_links()
    assert (410, "SyncStateNotFound") == graph.refusal(link)


def test_a_folder_that_goes_during_a_round_is_told_as_removed(eva, graph):
    last = eva.create_folder("Zz")
    first = graph.get("/me/mailFolders/delta?$select=displayName", prefer="odata.maxpagesize=2")

    eva.remove_folder("Zz")
    rest, _ = graph.round(first["@odata.nextLink"])

    assert "deleted" == told(rest)[last]


def test_folders_tell_when_they_changed_where_expanding_is_served(microsoft, eva, graph):
    marks = "id eq 'SystemTime 0x670A' or id eq 'Integer 0x670B'"
    path = f"/me/mailFolders/delta?$expand=singleValueExtendedProperties($filter={marks})"
    assert (400, "BadRequest") == graph.refusal(path)
    microsoft.configure({"expands_in_folder_delta": True})
    message_id = eva.deliver(mail())
    eva.delete(message_id)

    items, _ = graph.round(path)

    inbox = next(each for each in items if each["id"] == eva.folder_id("inbox"))
    found = {each["id"]: each["value"] for each in inbox["singleValueExtendedProperties"]}
    assert "1" == found["Integer 0x670b"]
    assert "SystemTime 0x670a" in found


def test_a_folder_goes_with_its_mails(eva, graph):
    folder = eva.create_folder("Project")
    below = eva.create_folder("Inside", parent="Project")
    message_id = eva.deliver(mail(), folder="Project/Inside")
    _, link = graph.round(f"/me/mailFolders/{below}/messages/delta")

    eva.remove_folder("Project")

    assert {} == eva.messages()
    for gone in (folder, below):
        assert (404, "ErrorItemNotFound") == graph.refusal(f"/me/mailFolders/{gone}")
    assert (404, "ErrorItemNotFound") == graph.refusal(link)
    assert (404, "ErrorItemNotFound") == graph.refusal(f"/me/messages/{message_id}")


def test_ten_thousand_mails_are_told_in_a_few_pages(eva, graph):
    eva.load(mails=[mail(f"p{n}@c{n % 50}.example") for n in range(10_000)])

    items, _ = graph.round(f"{INBOX}?$select=from,receivedDateTime", page=1_000)

    assert 10_000 == len(items)
    assert {"graph.messages.delta": 10} == eva.counters().calls
