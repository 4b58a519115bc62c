"""The log of changes: four kinds of records, ids that grow in jumps, expire and are paged."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from tests.fakes_own.clients import error_of, mail


def now_of(users) -> str:
    history_id: str = users.getProfile(userId="me").execute()["historyId"]
    return history_id


def log_of(users, start: str, **asked):
    return users.history().list(userId="me", startHistoryId=start, **asked).execute()


def kinds_of(listed) -> list[str]:
    return [
        kind
        for record in listed.get("history", [])
        for kind in ("messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved")
        if kind in record
    ]


def test_each_kind_of_change_is_a_record(anna, users):
    start = now_of(users)
    message_id = anna.deliver(mail(), labels=["INBOX"])
    anna.label(message_id, ["STARRED"])
    anna.unlabel(message_id, ["STARRED"])
    anna.delete(message_id)

    listed = log_of(users, start)

    assert ["messagesAdded", "labelsAdded", "labelsRemoved", "messagesDeleted"] == kinds_of(listed)
    added, labelled, *_ = listed["history"]
    assert {"id": message_id, "threadId": message_id, "labelIds": ["INBOX"]} == (
        added["messagesAdded"][0]["message"]
    )
    assert ["STARRED"] == labelled["labelsAdded"][0]["labelIds"]
    assert [{"id": message_id, "threadId": message_id}] == labelled["messages"]


def test_trashing_is_a_label_and_no_deletion(anna, users):
    message_id = anna.deliver(mail(), labels=["INBOX"])
    start = now_of(users)

    anna.trash(message_id)
    anna.untrash(message_id)

    assert ["labelsAdded", "labelsRemoved"] * 2 == kinds_of(log_of(users, start))


def test_a_draft_that_is_sent_becomes_another_message_of_its_thread(anna, users):
    draft = anna.save_draft(mail("anna@firm.example", "lead@elsewhere.example"))
    start = now_of(users)

    sent = anna.send_draft(draft)

    listed = log_of(users, start)
    assert draft != sent
    assert ["messagesAdded", "messagesDeleted"] == kinds_of(listed)
    assert (sent, ["SENT"], draft) == (
        listed["history"][0]["messagesAdded"][0]["message"]["id"],
        listed["history"][0]["messagesAdded"][0]["message"]["labelIds"],
        listed["history"][0]["messagesAdded"][0]["message"]["threadId"],
    )
    assert (404, "notFound") == error_of(users.messages().get(userId="me", id=draft))


def test_ids_grow_with_gaps_and_are_text(anna, users):
    start = now_of(users)
    for _ in range(30):
        anna.deliver(mail())

    listed = log_of(users, start)

    ids = [int(record["id"]) for record in listed["history"]]
    assert all(later > earlier for earlier, later in pairwise([int(start), *ids]))
    assert ids[-1] - ids[0] > len(ids)
    assert str(ids[-1]) == listed["historyId"] == now_of(users)


def test_pages_go_on_while_the_mailbox_changes(anna, users):
    start = now_of(users)
    made = [anna.deliver(mail()) for _ in range(5)]
    first = log_of(users, start, maxResults=3)
    anna.delete(made[0])

    rest = log_of(users, start, maxResults=3, pageToken=first["nextPageToken"])

    assert ["messagesAdded"] * 3 == kinds_of(first)
    assert ["messagesAdded", "messagesAdded", "messagesDeleted"] == kinds_of(rest)
    assert "nextPageToken" not in rest


def test_records_are_chosen_by_kind_and_label(anna, users):
    start = now_of(users)
    anna.deliver(mail(), labels=["INBOX"])
    sent = anna.deliver(mail(), labels=["SENT"])
    anna.label(sent, ["STARRED"])

    by_kind = log_of(users, start, historyTypes=["labelAdded", "messageDeleted"])
    by_label = log_of(users, start, labelId="SENT")

    assert ["labelsAdded"] == kinds_of(by_kind)
    assert ["messagesAdded", "labelsAdded"] == kinds_of(by_label)


def test_an_id_between_two_records_is_good(anna, users):
    start = now_of(users)
    anna.deliver(mail())
    anna.deliver(mail())
    first, second = log_of(users, start)["history"]

    between = log_of(users, str(int(second["id"]) - 1))

    assert int(first["id"]) < int(second["id"]) - 1
    assert [second] == between["history"]


def test_a_history_that_expired_is_not_found_and_begins_anew(anna, users):
    start = now_of(users)
    anna.deliver(mail())
    known = now_of(users)

    anna.expire_history()

    assert (404, "notFound") == error_of(users.history().list(userId="me", startHistoryId=start))
    assert (404, "notFound") == error_of(users.history().list(userId="me", startHistoryId=known))
    assert {"historyId": now_of(users)} == log_of(users, now_of(users))


def test_a_history_lasts_a_week(google, anna, users):
    start = now_of(users)
    anna.deliver(mail())
    google.advance(timedelta(days=6))
    after_six_days = kinds_of(log_of(users, start))

    google.advance(timedelta(days=2))
    users._http.credentials.token = anna.grant()["access_token"]

    assert ["messagesAdded"] == after_six_days
    assert (404, "notFound") == error_of(users.history().list(userId="me", startHistoryId=start))


def test_an_id_that_was_never_given_is_not_found(users):
    beyond = str(int(now_of(users)) + 1_000)

    assert (404, "notFound") == error_of(users.history().list(userId="me", startHistoryId=beyond))


def test_a_start_is_required_and_a_number(users):
    assert (400, "required") == error_of(users.history().list(userId="me"))
    assert (400, "badRequest") == error_of(users.history().list(userId="me", startHistoryId="soon"))


def test_loaded_mail_leaves_no_history(anna, users):
    anna.load(mails=[mail(), mail()])

    assert {"historyId": now_of(users)} == log_of(users, now_of(users))
