"""Folders and messages by Graph: lists, properties, filters and MIME."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes_own.clients import mail
from tests.fakes_own.outlook import outlook

SIZE = "singleValueExtendedProperties($filter=id eq 'Integer 0x0E08')"


def names(found):
    return [each["displayName"] for each in found["value"]]


def test_folders_are_listed_level_by_level(eva, graph):
    eva.create_folder("2025", parent="archive")
    eva.create_folder("Hidden", is_hidden=True)

    top = graph.get("/me/mailFolders?$top=50")
    hidden = graph.get("/me/mailFolders?$top=50&includeHiddenFolders=true")
    below = graph.get("/me/mailFolders/archive/childFolders?$select=displayName")

    assert {"Inbox", "Sent Items", "Deleted Items", "Drafts", "Junk Email"} < set(names(top))
    assert {"Hidden", "Clutter"} == set(names(hidden)) - set(names(top))
    assert [{"id": eva.folder_id("Archive/2025"), "displayName": "2025"}] == below["value"]


def test_a_folder_is_named_by_its_id_or_by_its_well_known_name(eva, graph):
    eva.deliver(mail())

    by_name = graph.get("/me/mailFolders/SentItems")
    by_id = graph.get(f"/me/mailFolders/{by_name['id']}")
    in_brackets = graph.get("/me/mailFolders('inbox')")

    assert by_name == by_id
    assert (1, 1, 0) == tuple(
        in_brackets[name] for name in ("totalItemCount", "unreadItemCount", "childFolderCount")
    )


def test_folders_come_in_pages(graph):
    first = graph.get("/me/mailFolders?$top=3")
    rest = graph.get(first["@odata.nextLink"])

    assert 3 == len(first["value"]) == len(rest["value"])
    assert set(names(first)).isdisjoint(names(rest))


def test_a_message_is_shown_with_the_selected_properties_only(eva, graph):
    message_id = eva.deliver(
        mail(
            "Lead <lead@x.example>",
            "eva@firm.example, Max <max@firm.example>",
            extra="Cc: c@x.y\r\n",
        )
    )

    found = graph.get(f"/me/messages/{message_id}?$select=from,toRecipients,CCRECIPIENTS,isRead")

    assert {"@odata.context", "@odata.etag", "id"} == {*found} - {
        *("from", "toRecipients", "ccRecipients", "isRead"),
    }
    assert {"emailAddress": {"name": "Lead", "address": "lead@x.example"}} == found["from"]
    assert [("eva@firm.example",) * 2, ("Max", "max@firm.example")] == [
        (each["emailAddress"]["name"], each["emailAddress"]["address"])
        for each in found["toRecipients"]
    ]
    assert (False, message_id) == (found["isRead"], found["id"])


def test_there_is_no_size_but_an_extended_property_near_it(eva, graph):
    message_id = eva.deliver(mail())

    found = graph.get(f"/me/messages/{message_id}?$select=id&$expand={SIZE}")

    (size,) = found["singleValueExtendedProperties"]
    assert "Integer 0xe08" == size["id"]
    assert len(eva.raw(message_id)) < int(size["value"])
    refused = graph.refusal(f"/me/messages/{message_id}?$select=size")
    assert (400, "RequestBroker--ParseUri") == refused


def test_conversations_follow_references(eva, graph):
    eva.deliver(mail(extra="Message-ID: <1@x>\r\n"))
    eva.deliver(mail(extra="Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n"))
    eva.deliver(mail(extra="Message-ID: <3@x>\r\n"))

    found = graph.get("/me/messages?$select=conversationId,internetMessageId")["value"]

    threads = {each["internetMessageId"]: each["conversationId"] for each in found}
    assert threads["<1@x>"] == threads["<2@x>"] != threads["<3@x>"]


def test_the_content_is_the_mail_and_is_counted(eva, graph):
    raw = mail(body="Hello \xfc")
    message_id = eva.deliver(raw)

    answer = graph.ask("GET", f"/me/messages/{message_id}/$value")

    assert (raw, "text/plain") == (answer.content, answer.headers["content-type"])
    assert [message_id] == eva.counters().contents
    assert [] == eva.counters().bodies


def test_what_is_shown_of_whom_is_counted(eva, graph):
    ids = [eva.deliver(mail()) for _ in range(2)]
    graph.get("/me/messages?$select=from,receivedDateTime")
    graph.get(f"/me/messages/{ids[0]}?$select=subject,body")

    counted = eva.counters()

    assert {"from": 2, "receivedDateTime": 2, "subject": 1, "body": 1} == counted.selected
    assert ([ids[0]], {ids[0]}) == (counted.bodies, counted.ids)
    assert {"graph.messages.list": 1, "graph.messages.get": 1} == counted.calls


def test_basic_permission_sees_neither_body_nor_content(microsoft, eva):
    message_id = eva.deliver(mail())
    basic = outlook(microsoft, eva, scope="Mail.ReadBasic")

    found = basic.get(f"/me/messages/{message_id}")

    assert {"body", "bodyPreview"}.isdisjoint(found)
    assert "Offer" == found["subject"]
    refused = basic.refusal(f"/me/messages/{message_id}/$value")
    assert (403, "ErrorAccessDenied") == refused
    basic.client.close()


def test_ids_change_when_a_message_moves_and_immutable_ones_stay(eva, graph):
    message_id = eva.deliver(mail())
    before = graph.get(f"/me/messages/{message_id}?$select=id", prefer="")["id"]

    eva.move(message_id, "archive")

    after = graph.get(f"/me/messages/{message_id}?$select=id", prefer="")["id"]
    assert 3 == len({message_id, before, after})
    assert message_id == graph.get(f"/me/messages/{after}?$select=id")["id"]
    assert (404, "ErrorItemNotFound") == graph.refusal(f"/me/messages/{before}")
    assert {"graph.messages.get": 2} == eva.counters().mutable


@pytest.mark.parametrize(
    ("found", "query"),
    [
        ([3, 2, 1], ""),
        ([3, 2], "$filter=receivedDateTime ge 2026-01-02T00:00:00Z"),
        ([3], "$filter=receivedDateTime gt 2026-01-02T00:00:00Z"),
        (
            [2],
            "$filter=receivedDateTime gt 2026-01-01T00:00:00Z and receivedDateTime lt 2026-01-03",
        ),
        ([2], "$filter=internetMessageId eq '<2@x>'"),
        ([3, 1], "$filter=isRead eq false"),
        ([1, 2, 3], "$orderby=receivedDateTime asc"),
        (
            [2, 3],
            "$filter=receivedDateTime ge 2026-01-02T00:00:00Z&$orderby=receivedDateTime",
        ),
    ],
)
def test_a_list_is_filtered_and_ordered(found, query, eva, graph):
    ids = [
        eva.deliver(mail(extra=f"Message-ID: <{n}@x>\r\n"), at=datetime(2026, 1, n, tzinfo=UTC))
        for n in (1, 2, 3)
    ]
    eva.mark_read(ids[1])

    listed = graph.get(f"/me/messages?$select=id&{query}")["value"]

    assert [ids[n - 1] for n in found] == [each["id"] for each in listed]


def test_a_list_is_counted_when_it_is_asked_to(eva, graph):
    for _ in range(3):
        eva.deliver(mail())

    counted = graph.get("/me/messages?$count=true&$top=1&$select=id")
    plain = graph.get("/me/messages?$top=1&$select=id")

    assert (3, 1) == (counted["@odata.count"], len(counted["value"]))
    assert "@odata.count" not in plain
    assert 8 == graph.get("/me/mailFolders?$count=true&$top=1")["@odata.count"]


def test_a_list_is_paged_by_skipping(eva, graph):
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    ids = [eva.deliver(mail(), at=begin + timedelta(hours=n)) for n in range(5)]

    first = graph.get("/me/mailFolders/inbox/messages?$select=id&$top=2")
    eva.deliver(mail())
    second = graph.get(first["@odata.nextLink"])

    # What came meanwhile has shifted the rest: one is told twice.
    assert [ids[4], ids[3]] == [each["id"] for each in first["value"]]
    assert [ids[3], ids[2]] == [each["id"] for each in second["value"]]


@pytest.mark.parametrize(
    ("refused", "path"),
    [
        ((400, "RequestBroker--ParseUri"), "/me/mailFolders?$select=wellKnownName"),
        ((400, "RequestBroker--ParseUri"), "/me/messages?$select=id,nothing"),
        ((400, "ErrorInvalidUrlQuery"), "/me/messages?$top=1001"),
        ((400, "ErrorInvalidUrlQuery"), "/me/messages?$top=0"),
        ((400, "ErrorInvalidUrlQuery"), "/me/mailFolders?$filter=isHidden eq true"),
        (
            (400, "InefficientFilter"),
            "/me/messages?$filter=isRead eq true&$orderby=receivedDateTime",
        ),
        ((400, "BadRequest"), "/me/messages?$top=1&$top=2"),
        ((400, "BadRequest"), "/me/messages?$filter=receivedDateTime ge yesterday"),
        ((501, "notImplemented"), "/me/messages?$filter=toRecipients/any(r:r/x eq 'y')"),
        ((501, "notImplemented"), "/me/messages?$expand=attachments"),
        ((501, "notImplemented"), "/me/messages/delta"),
        ((400, "BadRequest"), "/me/calendars"),
        ((400, "ErrorInvalidIdMalformed"), "/me/messages/short"),
        ((404, "ErrorItemNotFound"), "/me/messages/" + "A" * 60),
        ((404, "ErrorItemNotFound"), "/me/mailFolders/" + "A" * 60),
        ((404, "ErrorInvalidUser"), "/users/nobody@firm.example/messages"),
        ((403, "Authorization_RequestDenied"), "/me"),
    ],
)
def test_what_is_not_as_documented_is_refused(refused, path, graph):
    assert refused == graph.refusal(path)


@pytest.mark.parametrize(
    ("refused", "token"),
    [
        ((401, "InvalidAuthenticationToken"), ""),
        ((401, "InvalidAuthenticationToken"), "unheard-of"),
    ],
)
def test_no_token_no_mail(refused, token, graph):
    assert refused == graph.refusal("/me/messages", token=token)


def test_a_token_ends(microsoft, graph):
    microsoft.advance(timedelta(hours=2))

    assert (401, "InvalidAuthenticationToken") == graph.refusal("/me/messages")


def test_somebody_elses_mailbox_is_open_to_whom_it_is_shared_with(microsoft, eva, graph):
    team = microsoft.add_account("team@firm.example", is_shared=True)
    message_id = team.deliver(mail())
    path = "/users/team@firm.example/messages?$select=id"

    assert (403, "ErrorAccessDenied") == graph.refusal(path)
    team.share_with("eva@firm.example")
    assert (403, "ErrorAccessDenied") == graph.refusal(path)
    token = eva.grant("Mail.Read.Shared")["access_token"]
    assert message_id == graph.get(path, token=token)["value"][0]["id"]


@pytest.mark.parametrize(
    ("verb", "path", "name"),
    [
        ("PATCH", "/me/messages/{}", "graph.messages.update"),
        ("DELETE", "/me/messages/{}", "graph.messages.delete"),
        ("POST", "/me/messages/{}/move", "graph.messages.move"),
        ("POST", "/me/revokeSignInSessions", "graph.users.revokeSignInSessions"),
    ],
)
def test_whatever_changes_a_mailbox_is_counted_and_not_served(verb, path, name, eva, graph):
    message_id = eva.deliver(mail())

    status, _ = graph.refusal(path.format(message_id), verb)

    assert status in {403, 501}
    assert {name: 1} == eva.counters().calls
    assert [message_id] == list(eva.messages())


def test_an_archive_of_folders_is_loaded_with_its_flags(eva, tmp_path):
    import mailbox

    box = mailbox.Maildir(tmp_path / "maildir")
    box.add(mail(subject="New"))
    box.add_folder("Sent").add(mail(subject="Sent"))
    box.add_folder("Leads.Hot").add(mail(subject="Own"))

    eva.load(tmp_path / "maildir")

    assert ["Inbox", "Leads/Hot", "Sent Items"] == sorted(eva.messages().values())


def test_a_draft_that_is_sent_keeps_its_immutable_id(eva):
    draft = eva.save_draft(mail())

    assert draft == eva.send_draft(draft)
    assert {draft: "Sent Items"} == eva.messages()
