"""What one mailbox may, shows and loses is its own: nothing is shared between two."""

from __future__ import annotations

import email.policy
from email.message import EmailMessage

import pytest

from tests.comparison import EQUAL
from tests.house import House
from worker.reading import Reading
from worker.refused import NotThere
from worker.workspaces import create_workspace

ANNA = "anna@customer.test"
FILE = b"The same bytes in two mailboxes. " * 100


def with_file(message_id: str, to: str) -> bytes:
    """Return a mail of the lead with a file that many mails carry."""
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = ANNA, to, f"The file {message_id}"
    mail["Message-ID"], mail["Date"] = f"<{message_id}>", "Mon, 02 Nov 2026 12:00:00 +0000"
    mail.set_content(f"See {message_id}.")
    mail.add_attachment(FILE, maintype="application", subtype="octet-stream", filename="a.bin")
    return mail.as_bytes()


def test_erasing_one_mailbox_leaves_the_same_attachment_of_another_readable_f24(house: House):
    ben, eva = house.user(), house.user()
    house.put_lead("anna", ANNA)
    house.deliver(ben, with_file("of-ben.1", ben))
    house.deliver(eva, with_file("of-eva.1", eva))
    of_ben, of_eva = house.connect(ben), house.connect(eva)
    files = {m.head.message_id: m.attachments[0].id for m in house.messages("anna")}

    house.disconnect(of_ben)
    house.run_jobs()

    _, read = house.reading.attachment(files["of-eva.1"])
    assert FILE == read
    assert ["of-eva.1"] == house.ids("anna")
    assert [(of_eva,)] == [tuple(row) for row in house.rows("SELECT mailbox_id FROM attachment")]
    with pytest.raises(NotThere):
        house.reading.attachment(files["of-ben.1"])
    assert EQUAL == house.compare()


def test_a_mailbox_is_private_until_it_is_shared_and_no_other_with_it_f15(house: House):
    ben, eva = house.user(), house.user()
    of_ben, of_eva = house.connect(ben), house.connect(eva)
    at_first = [house.show(one).visibility for one in (of_ben, of_eva)]

    house.change(of_ben, visibility="shared")
    house.connect(eva)

    assert ["private", "private"] == at_first
    assert ["shared", "private"] == [house.show(one).visibility for one in (of_ben, of_eva)]


def test_another_client_of_the_crm_reads_no_mail_whatever_is_shared_f15(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.deliver(user, with_file("shared.1", user))
    house.change(house.connect(user), visibility="shared")
    (message,) = house.messages("anna")
    other, _ = create_workspace(house.service, "Another firm")
    reading = Reading(house.service, other)

    with pytest.raises(NotThere):
        reading.message(message.id)
    with pytest.raises(NotThere):
        list(reading.raw(message.id))
    with pytest.raises(NotThere):
        reading.attachment(message.attachments[0].id)


def test_mail_that_came_while_the_cursor_expired_is_not_missed_f1(either_house: House):
    house = either_house
    user = house.user("Deals")
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA, folder="Deals")
    mailbox = house.connect(user)

    house.write(user, "t2.1", ANNA, folder="Deals")
    house.dovecot.renumber(user, "Deals")
    house.write(user, "t3.1", ANNA, folder="Deals")
    house.sync(mailbox)
    house.sync(mailbox)

    assert ["t1.1", "t2.1", "t3.1"] == house.ids("anna")
    assert EQUAL == house.compare()
