"""Reading over the API: whole, in order, once, and nothing that may not be read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.queries import policies, threads
from privacy.order import Instruction
from tests.builders import NOON, Letter
from tests.service.api.calls import Crm, counted_statements

ANNA, BEN, EVE = "anna@lead.example", "ben@firm.example", "eve@firm.example"
HOUR = timedelta(hours=1)


def test_a_message_is_shown_whole(crm: Crm):
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    letter = Letter(
        BEN,
        [ANNA],
        subject="Angebot für Änna",
        text="Guten Tag\n> alt",
        new_text="Guten Tag",
        html="<p>Guten Tag</p>",
        cc=[EVE],
        outbound=True,
        message_id="a@firm.example",
    )

    id_ = crm.tenant.mail(mailbox, letter, conversation := crm.tenant.conversation())

    assert {
        "id": id_,
        "conversation": str(conversation),
        "leads": ["crm-1"],
        "mailboxes": [str(mailbox)],
        "direction": "outbound",
        "message_id": "a@firm.example",
        "date": "2026-03-02T12:00:00.000Z",
        "from": {"name": "Ben", "address": BEN},
        "to": [{"name": "Anna", "address": ANNA}],
        "cc": [{"name": "Eve", "address": EVE}],
        "bcc": [],
        "subject": "Angebot für Änna",
        "text": "Guten Tag\n> alt",
        "new_text": "Guten Tag",
        "html": "<p>Guten Tag</p>",
        "attachments": [],
    } == crm.get(f"/v1/messages/{id_}")


def test_conversations_come_with_the_newest_activity_first(crm: Crm):
    mailbox, tenant = crm.tenant.mailbox(BEN), crm.tenant
    crm.put_lead("crm-1", ANNA)
    old, new = tenant.conversation(), tenant.conversation()
    for conversation, hours, subject in (
        (old, 0, "First"),
        (new, 1, "Other"),
        (old, 2, "Re: First"),
    ):
        letter = Letter(ANNA, [BEN], subject=subject, new_text=subject, sent_at=NOON + hours * HOUR)
        tenant.mail(mailbox, letter, conversation)

    page = crm.get("/v1/leads/crm-1/conversations")

    assert [str(old), str(new)] == [one["id"] for one in page["items"]]
    assert {
        "id": str(old),
        "subject": "First",
        "snippet": "Re: First",
        "message_count": 2,
        "first_at": "2026-03-02T12:00:00.000Z",
        "last_at": "2026-03-02T14:00:00.000Z",
        "participants": [{"name": "Anna", "address": ANNA}, {"name": "Ben", "address": BEN}],
    } == page["items"][0]
    assert page["next"] is None


def test_messages_of_a_conversation_come_oldest_first_in_pages(crm: Crm):
    mailbox, tenant = crm.tenant.mailbox(BEN), crm.tenant
    crm.put_lead("crm-1", ANNA)
    conversation = tenant.conversation()
    for hours in (3, 1, 2, 2):
        letter = Letter(ANNA, [BEN], subject=str(hours), sent_at=NOON + hours * HOUR)
        tenant.mail(mailbox, letter, conversation)

    path = f"/v1/conversations/{conversation}/messages?limit=1"
    page = crm.get(path)
    seen = [one["subject"] for one in page["items"]]
    while page["next"] is not None:
        page = crm.get(f"{path}&cursor={page['next']}")
        seen += [one["subject"] for one in page["items"]]

    assert ["1", "2", "2", "3"] == seen


def test_pages_of_conversations_miss_and_repeat_nothing(crm: Crm):
    mailbox, tenant = crm.tenant.mailbox(BEN), crm.tenant
    crm.put_lead("crm-1", ANNA)
    letters = [Letter(ANNA, [BEN], sent_at=NOON + (n % 3) * HOUR) for n in range(7)]
    tenant.mails(mailbox, letters)

    first = crm.get("/v1/leads/crm-1/conversations?limit=4")
    second = crm.get(f"/v1/leads/crm-1/conversations?limit=4&cursor={first['next']}")

    ids = [one["id"] for one in first["items"] + second["items"]]
    assert 7 == len(set(ids)) == len(ids)
    assert second["next"] is None


def test_the_same_mail_in_two_mailboxes_is_one_message(crm: Crm):
    tenant = crm.tenant
    one, two = tenant.mailbox(BEN, "ben"), tenant.mailbox(EVE, "eve")
    crm.put_lead("crm-1", ANNA)
    conversation = tenant.conversation()
    letter = Letter(ANNA, [BEN, EVE], message_id="same@lead.example")
    ids = {tenant.mail(mailbox, letter, conversation) for mailbox in (one, two)}

    items = crm.get(f"/v1/conversations/{conversation}/messages")["items"]

    assert ids == {item["id"] for item in items}
    assert [[str(one), str(two)]] == [item["mailboxes"] for item in items]
    assert 1 == crm.get("/v1/leads/crm-1/conversations")["items"][0]["message_count"]


def test_a_message_stays_readable_through_the_mailbox_that_is_left(crm: Crm):
    tenant = crm.tenant
    one, two = tenant.mailbox(BEN, "ben"), tenant.mailbox(EVE, "eve")
    crm.put_lead("crm-1", ANNA)
    letter = Letter(ANNA, [BEN, EVE], message_id="same@lead.example")
    id_ = tenant.mail(one, letter)
    tenant.mail(two, letter)

    crm.call("DELETE", f"/v1/mailboxes/{one}")

    assert [str(two)] == crm.get(f"/v1/messages/{id_}")["mailboxes"]


def test_a_disconnected_mailbox_is_unreadable_from_the_answer_on(crm: Crm):
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    conversation = crm.tenant.conversation()
    id_ = crm.tenant.mail(mailbox, Letter(ANNA, [BEN]), conversation)
    paths = [
        f"/v1/messages/{id_}",
        f"/v1/messages/{id_}/raw",
        f"/v1/attachments/{id_}-1",
        f"/v1/conversations/{conversation}/messages",
    ]
    assert 200 == crm.call("GET", paths[0]).status_code

    answer = crm.call("DELETE", f"/v1/mailboxes/{mailbox}")

    assert 202 == answer.status_code
    assert [404] * 4 == [crm.call("GET", path).status_code for path in paths]
    assert [] == crm.get("/v1/leads/crm-1/conversations")["items"]


def test_an_erased_person_is_unreadable_at_once_in_another_leads_mail_too(crm: Crm):
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    crm.put_lead("crm-2", "gone@lead.example")
    both = crm.tenant.mail(mailbox, Letter(ANNA, [BEN, "gone@lead.example"]))
    only = crm.tenant.mail(mailbox, Letter(ANNA, [BEN]))

    erase = {"address": "gone@lead.example", "instructed_by": "DPO", "reference": "R-1"}
    answer = crm.call("POST", "/v1/erasures", json=erase)

    assert 202 == answer.status_code
    assert 404 == crm.call("GET", f"/v1/messages/{both}").status_code
    assert 200 == crm.call("GET", f"/v1/messages/{only}").status_code


@pytest.mark.parametrize("kind", ["addresses", "domains"], ids=["an address", "a domain"])
def test_what_is_blocked_is_unreadable_at_once(crm: Crm, kind: str):
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    id_ = crm.tenant.mail(mailbox, Letter(ANNA, [BEN], cc=["spy@spy.example"]))

    blocked = (
        {"addresses": ["spy@spy.example"]} if kind == "addresses" else {"domains": ["spy.example"]}
    )
    crm.call("PUT", "/v1/policy", json={"blocked": blocked})

    assert 404 == crm.call("GET", f"/v1/messages/{id_}").status_code


def test_a_mail_whose_key_is_gone_is_not_there(crm: Crm):
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    conversation = crm.tenant.conversation()
    gone = crm.tenant.mail(mailbox, Letter(ANNA, [BEN], subject="gone"), conversation)
    crm.tenant.mail(mailbox, Letter(ANNA, [BEN], subject="kept"), conversation)
    tenant = crm.tenant
    with tenant.service.store.workspace(tenant.id) as connection:
        mail = connection.exec_driver_sql(
            "SELECT id FROM mail WHERE encode(twin, 'hex') = %s", (gone,)
        ).scalar_one()
    tenant.service.vault.shred_messages(tenant.id, [mail])

    answers = [
        crm.call("GET", f"/v1/messages/{gone}"),
        crm.call("GET", f"/v1/messages/{gone}/raw"),
        crm.call("GET", f"/v1/attachments/{gone}-1"),
    ]

    assert [404] * 3 == [answer.status_code for answer in answers]
    items = crm.get(f"/v1/conversations/{conversation}/messages")["items"]
    assert ["kept"] == [item["subject"] for item in items]
    assert ["kept"] == [one["subject"] for one in crm.get("/v1/leads/crm-1/conversations")["items"]]


def test_an_old_id_of_a_merged_conversation_leads_to_the_new_one(crm: Crm):
    mailbox, tenant = crm.tenant.mailbox(BEN), crm.tenant
    crm.put_lead("crm-1", ANNA)
    old, new = tenant.conversation(), tenant.conversation()
    tenant.mail(mailbox, Letter(ANNA, [BEN], subject="one"), old)
    tenant.mail(mailbox, Letter(ANNA, [BEN], subject="two", sent_at=NOON + HOUR), new)
    with tenant.service.store.workspace(tenant.id) as connection:
        threads.merge_conversations(connection, [(old, new)])

    items = crm.get(f"/v1/conversations/{old}/messages")["items"]

    assert [("one", str(new)), ("two", str(new))] == [
        (item["subject"], item["conversation"]) for item in items
    ]


@pytest.mark.parametrize("size", [0, 10, 3_000_000], ids=["empty", "small", "three chunks"])
def test_the_raw_mail_is_the_mailboxes_own(crm: Crm, size: int):
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", ANNA)
    raw = b"Subject: x\r\n\r\n" + bytes(n % 251 for n in range(size))
    id_ = crm.tenant.mail(mailbox, Letter(ANNA, [BEN], raw=raw))

    answer = crm.call("GET", f"/v1/messages/{id_}/raw")

    assert raw == answer.content
    assert "message/rfc822" == answer.headers["content-type"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_mail_in_a_domain_of_a_lead_is_the_leads(crm: Crm):
    mailbox = crm.tenant.mailbox(BEN)
    crm.put_lead("crm-1", domains=["lead.example"])
    id_ = crm.tenant.mail(mailbox, Letter("someone@lead.example", [BEN]))
    other = crm.tenant.mail(mailbox, Letter("someone@sub.lead.example", [BEN]))

    assert ["crm-1"] == crm.get(f"/v1/messages/{id_}")["leads"]
    assert 404 == crm.call("GET", f"/v1/messages/{other}").status_code


@pytest.mark.parametrize("path", ["/v1/leads/crm-1/conversations", "messages"])
def test_many_items_take_as_many_statements_as_few(crm: Crm, path: str):
    mailbox, tenant = crm.tenant.mailbox(BEN), crm.tenant
    crm.put_lead("crm-1", ANNA)

    def statements(count: int) -> int:
        conversation = tenant.conversation()
        letters = [Letter(ANNA, [BEN]) for _ in range(count)]
        tenant.mails(mailbox, letters, conversation if path == "messages" else None)
        asked = f"/v1/conversations/{conversation}/messages" if path == "messages" else path
        with counted_statements(tenant.service) as made:
            assert count <= len(crm.get(f"{asked}?limit=200")["items"])
        return len(made)

    few, many = statements(5), statements(50)

    assert few == many
    assert few > 0


def test_reading_holds_up_while_a_lead_is_being_erased(crm: Crm):
    mailbox, tenant = crm.tenant.mailbox(BEN), crm.tenant
    crm.put_lead("crm-1", ANNA)
    crm.put_lead("crm-2", ANNA)
    id_ = tenant.mail(mailbox, Letter(ANNA, [BEN]))
    with tenant.service.store.workspace(tenant.id) as connection:
        before = policies.version(connection, tenant.id)

    crm.call("DELETE", "/v1/leads/crm-1")

    assert ["crm-2"] == crm.get(f"/v1/messages/{id_}")["leads"]
    with tenant.service.store.workspace(tenant.id) as connection:
        assert before < policies.version(connection, tenant.id)


def test_an_order_by_an_operator_is_obeyed_by_the_api(crm: Crm):
    mailbox, tenant = crm.tenant.mailbox(BEN), crm.tenant
    crm.put_lead("crm-1", ANNA)
    id_ = tenant.mail(mailbox, Letter(ANNA, [BEN]))

    tenant.service.orders.mailbox(tenant.id, mailbox, Instruction("operator", "ticket 1"))

    assert 404 == crm.call("GET", f"/v1/messages/{id_}").status_code
