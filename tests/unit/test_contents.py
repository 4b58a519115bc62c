"""What is sealed comes out whole, at its place only."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mail.address import Address, Participant
from privacy import contents
from privacy.vault import Key, SealBroken

MAIL = contents.OfMail(workspace_id=3, mail_id=7, generation=1)
ANNA = Participant("Anna Ö.", Address("anna@lead.example"))
BEN = Participant("", Address("ben@firm.example"))
HEAD = contents.Head(
    subject="Angebot",
    sent_from=ANNA,
    date=datetime(2026, 11, 23, 8, 30, tzinfo=UTC),
    to=(BEN,),
    cc=(ANNA, BEN),
    message_id="a@b",
    snippet="Guten Tag",
)
BODY = contents.Body("Guten Tag\n> alt", "Guten Tag", "<p>Guten Tag</p>")
CARD = contents.MailboxCard("u1", BEN.address, "imap.firm.example", 993, "tls", "ben", ("INBOX",))


def test_every_value_opens_as_it_was_sealed():
    key = Key.fresh()
    named = contents.AttachmentCard("preis.pdf", "application/pdf", "")
    lead = contents.LeadCard("crm-1", "Anna")
    grant = contents.Grant("password", "geheim")

    head = contents.open_head(key, MAIL, contents.seal_head(key, MAIL, HEAD))
    body = contents.open_body(key, MAIL, contents.seal_body(key, MAIL, BODY))
    attachment = contents.seal_attachment(key, MAIL, "1.2", named)
    mailbox = contents.open_mailbox(key, 3, 5, contents.seal_mailbox(key, 3, 5, CARD))

    assert HEAD == head
    assert BODY == body
    assert named == contents.open_attachment(key, MAIL, "1.2", attachment)
    assert CARD == mailbox
    assert lead == contents.open_lead(key, 3, 5, contents.seal_lead(key, 3, 5, lead))
    assert grant == contents.open_grant(key, 3, 5, 1, contents.seal_grant(key, 3, 5, 1, grant))


@pytest.mark.parametrize(
    ("size", "chunks"),
    [(0, 1), (1, 1), (contents.RAW_CHUNK, 1), (contents.RAW_CHUNK + 1, 2)],
    ids=["empty", "one byte", "exactly a chunk", "a byte more"],
)
def test_a_raw_mail_comes_back_from_its_chunks(size, chunks):
    key, raw = Key.fresh(), b"x" * size

    sealed = contents.seal_raw(key, MAIL, raw)

    assert chunks == len(sealed)
    assert raw == b"".join(
        contents.open_raw(key, MAIL, number, chunk) for number, chunk in enumerate(sealed)
    )


def test_a_head_opens_for_its_own_mail_only():
    key = Key.fresh()
    sealed = contents.seal_head(key, MAIL, HEAD)

    with pytest.raises(SealBroken):
        contents.open_head(key, contents.OfMail(3, 8, 1), sealed)


def test_a_grant_of_an_earlier_generation_does_not_open():
    key = Key.fresh()
    sealed = contents.seal_grant(key, 3, 5, 1, contents.Grant("password", "geheim"))

    with pytest.raises(SealBroken):
        contents.open_grant(key, 3, 5, 2, sealed)


def test_half_characters_of_a_broken_mail_do_not_stop_it():
    key = Key.fresh()
    broken = contents.Body("a\ud800b", "", "")

    opened = contents.open_body(key, MAIL, contents.seal_body(key, MAIL, broken))

    assert "a?b" == opened.text


def test_a_grant_never_shows_its_secret():
    assert "geheim" not in repr(contents.Grant("password", "geheim"))
