"""The mails that people and programs really wrote all come in; none stops a mailbox (F4)."""

from __future__ import annotations

from mail.envelope import scan
from tests.house import House
from tests.mail import corpus

AT_ONCE = 50
EVERY = 184
"""As many whole mails as there were in the corpus; more may come."""


def real_mails() -> list[bytes]:
    """Return every whole mail of the corpus, with the line ends that mail servers keep."""
    mails = [file.read_bytes() for file in corpus.real_mails()]
    return [mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for mail in mails]


@corpus.needs_mails
def test_every_real_mail_is_stored_or_parked_with_its_reason(house: House) -> None:
    user = house.user()
    mails = real_mails()
    house.deliver(user, *mails)
    named = set()
    for mail in mails:
        found = scan(mail.partition(b"\r\n\r\n")[0])
        named |= {*found.sender, *found.recipients, *found.reply_to}
    people = sorted(named)
    for begin in range(0, len(people), AT_ONCE):
        house.put_lead(f"lead {begin}", *people[begin : begin + AT_ONCE], runs=False)

    mailbox = house.connect(user)

    assert ("live", None) == house.state(mailbox)
    concerned = [m for m in mails if any_address(m)]
    taken_in = house.count("mail") + house.count("pending", "reason IS NOT NULL")
    assert EVERY <= len(mails)
    assert 140 < len(concerned)
    assert len(concerned) == taken_in
    assert house.count("pending", "reason IS NOT NULL") <= 3


def any_address(mail: bytes) -> bool:
    """Tell whether the mail names anyone."""
    found = scan(mail.partition(b"\r\n\r\n")[0])
    return bool(found.sender or found.recipients or found.reply_to)
