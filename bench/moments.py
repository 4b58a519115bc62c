"""What is measured in moments: a delivery until it is visible, a huge mail, a disconnection."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Thread

from bench.mails import Author, firm_domains, lead_addresses
from bench.mailserver import MailServer
from bench.meter import Cost
from bench.ours import Ours
from bench.scenarios import expect, first_of

_SETTLED = 8.0
_APART = 2.2
_HUGE_MAILS = 3
_HUGE_BYTES = 30 * 10**6
_SMALL_MAILS_AT_ONCE = 5000
_LEADS_READ = 20
_READS = 60


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Seconds from each delivery to a raw IDLE watcher's notice, and to a read by the API."""

    noticed: list[float]
    visible: list[float]

    def worst(self) -> float:
        """Return the longest that a mail took to be visible."""
        return max(self.visible)

    def added(self) -> float:
        """Return the median of what we add to the server's own notice."""
        pairs = zip(self.visible, self.noticed, strict=True)
        return statistics.median(one - other for one, other in pairs)


def delivery(server: MailServer, count: int) -> Deliveries:
    """Deliver mails one by one to a watched mailbox; a raw IDLE watcher watches beside us."""
    user = "watched@ours.example"
    server.open_account(user, ())
    author = Author(seed=11)
    noticed: list[float] = []
    visible: list[float] = []
    with Ours(server.ca_file) as ours, server.client(user) as raw:
        ours.put_leads(lead_addresses())
        first_of(ours, server.tls_port, tls=True, user=user)
        ours.wait_for(ours.is_watched)
        # Taken is not yet logged in.
        time.sleep(_SETTLED)
        raw.select_folder("INBOX", readonly=True)
        raw.idle()
        for number in range(count):
            mail = author.mail(number * 10, lead_addresses()[number])
            # What the server still had to say of the mail before.
            raw.idle_check(timeout=0.01)
            began = time.monotonic()
            heard = _in_background(lambda: raw.idle_check(timeout=10))
            server.deliver(user, [mail])
            ours.wait_for(partial(ours.reader.sees, f"a{number}"))
            visible.append(time.monotonic() - began)
            noticed.append(heard() - began)
            time.sleep(_APART)
        raw.idle_done()
    return Deliveries(noticed, visible)


def _in_background(wait: Callable[[], object]) -> Callable[[], float]:
    """Begin to wait; what is returned tells when the waiting was over."""
    ended: list[float] = []

    def body() -> None:
        wait()
        ended.append(time.monotonic())

    thread = Thread(target=body)
    thread.start()

    def when() -> float:
        thread.join()
        return ended[0]

    return when


def huge_mails(server: MailServer) -> Cost:
    """Take in mails of 30 MB."""
    user = "huge@ours.example"
    server.open_account(user, ())
    author = Author(seed=12)
    for number in range(_HUGE_MAILS):
        head, _, _ = author.mail(number * 10, lead_addresses()[number]).partition(b"\r\n\r\n")
        head = b"\r\n".join(
            line for line in head.split(b"\r\n") if not line.startswith(b"Content-")
        )
        mail = author.with_file(head, _HUGE_BYTES)
        server.deliver(user, [mail])
    with Ours(server.ca_file) as ours:
        ours.put_leads(lead_addresses())
        cost = first_of(ours, server.tls_port, tls=True, user=user)
        expect(_HUGE_MAILS, ours.stored())
    return cost


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A disconnection in seconds: what DELETE took, and what came after its answer.

    `unreadable` is when the API had refused a read after which it showed nothing any more;
    `reads` is how much was asked for, and `shown` how much of it was shown all the same. The
    ledger says when the keys were gone and the count signed, from its order on.
    """

    mails: int
    answered: float
    unreadable: float
    reads: int
    shown: int
    keys_gone: float
    verified: float
    import_cost: Cost


def disconnection(server: MailServer, mails: int) -> Disconnected:
    """Take in a mailbox of small mails, disconnect it, and wait for its certificate."""
    user = "leaving@ours.example"
    server.open_account(user, ())
    author = Author(seed=13)
    leads = lead_addresses()
    for first in range(0, mails, _SMALL_MAILS_AT_ONCE):
        some = range(first, min(mails, first + _SMALL_MAILS_AT_ONCE))
        server.deliver(user, (author.mail(n, leads[n % len(leads)], small=True) for n in some))
    with Ours(server.ca_file) as ours:
        ours.put_leads(leads, firm_domains())
        cost = first_of(ours, server.tls_port, tls=True, user=user)
        expect(mails, ours.stored())
        asked = [f"a{n}" for n in range(min(_LEADS_READ, mails))]
        messages = ours.reader.messages(asked)
        expect(len(asked), len(messages))
        began = time.monotonic()
        order = ours.reader.disconnect(ours.mailbox())
        answered = time.monotonic()
        reads = shown = 0
        unreadable: float | None = None
        while unreadable is None or reads < _READS:
            for is_shown in ours.reader.read_each(messages, asked):
                reads, shown = reads + 1, shown + is_shown
                if is_shown:
                    unreadable = None
                elif unreadable is None:
                    unreadable = time.monotonic() - answered
        ours.wait_for(lambda: ours.reader.is_verified(order))
        keys_gone, verified = ours.ended(order)
        expect(0, ours.stored() + sum(ours.reader.read_each(messages, asked)))
    return Disconnected(
        mails, answered - began, unreadable, reads, shown, keys_gone, verified, cost
    )
