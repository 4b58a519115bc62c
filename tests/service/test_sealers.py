"""Processes that parse and seal: what they give back, and what their end does to the mail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

import pytest

from connectors.base import FolderRole, MessageRef, RawMessage
from mail.address import Address
from mail.limits import Limits, Reason
from models.queries.storing import Ground, NewMail
from privacy.contents import OfMail, open_raw
from privacy.vault import Key
from tests.comparison import EQUAL
from tests.house import House
from tests.letters import letter
from tests.processes import ROOT, until
from worker import intake
from worker.intake import Desk, NotTakenIn, Ticket
from worker.sealers import Came, SealerLost, Sealers

ANNA = "anna@customer.test"
ARRIVAL = datetime(2026, 11, 2, tzinfo=UTC)
SENT, INBOX = 5, 6
WORKER = """
import sys, time
from worker.sealers import Sealers
sealers = Sealers()
sealers.start(3)
print(*[one.pid for one in sealers.processes], flush=True)
sys.stdin.read()
sealers.stop()
print("stopped", flush=True)
time.sleep(60)
"""


@pytest.fixture
def sealers() -> Iterator[Sealers]:
    """Two processes of ours."""
    some = Sealers()
    some.start(2)
    yield some
    some.stop()


def desk(workspace: int = 1) -> Desk:
    """A mailbox of a workspace."""
    roles = {SENT: FolderRole.SENT, INBOX: FolderRole.INBOX}
    return Desk(Ground(workspace, 2, 3), Key.fresh(), Address("me@ours.test"), roles, Limits())


def came(mail_id: int, raw: bytes, folder: int = INBOX) -> Came:
    """A mail that has come."""
    ref = MessageRef("INBOX", f"1:{mail_id}")
    ticket = Ticket(mail_id, Key.fresh(), folder, ref.id, len(raw), ARRIVAL, None)
    return ticket, RawMessage(ref, raw)


def raw_of(given: Came, ground: Ground, sealed: NewMail) -> bytes:
    """Return a sealed mail's bytes."""
    of = OfMail(ground.workspace_id, given[0].mail_id, ground.generation)
    return b"".join(open_raw(given[0].key, of, n, chunk) for n, chunk in enumerate(sealed.raw))


def is_alive(pid: int) -> bool:
    """Tell whether a process is there; one that waits to be buried isn't."""
    try:
        return "Z" != Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_each_mail_is_sealed_for_its_own_mailbox_and_answers_come_in_order(sealers: Sealers):
    desks = [desk(n) for n in range(1, 4)]
    mails = [came(n, letter(f"{n}.1", ANNA, "me@ours.test")) for n in range(1, 31)]

    coming = [(n, sealers.take_in(desks[n % 3], mails[n : n + 3])) for n in range(0, 30, 3)]

    for n, answer in coming:
        for given, sealed in zip(mails[n : n + 3], answer.result(10), strict=True):
            assert isinstance(sealed, NewMail)
            assert given[1].raw == raw_of(given, desks[n % 3].ground, sealed)
            assert (given[0].mail_id, given[0].ref) == (sealed.id, sealed.ref)


def test_what_is_sealed_apart_is_what_is_sealed_here(sealers: Sealers):
    one, given = desk(), came(7, letter("7.1", "me@ours.test", ANNA), SENT)

    (apart,) = sealers.take_in(one, [given]).result(10)
    (here,) = Sealers().take_in(one, [given]).result(10)

    assert isinstance(apart, NewMail)
    assert isinstance(here, NewMail)
    random = ("head", "body", "raw", "attachments")
    for name in NewMail.__slots__:
        if name not in random:
            assert getattr(here, name) == getattr(apart, name), name
    assert apart.outbound


def test_a_mail_that_cannot_be_read_is_answered_with_the_reason(sealers: Sealers):
    assert [NotTakenIn(Reason.EMPTY)] == sealers.take_in(desk(), [came(1, b"")]).result(10)


def test_a_fault_of_the_parser_is_that_mails_alone(
    sealers: Sealers, monkeypatch: pytest.MonkeyPatch
):
    sealers.stop()
    monkeypatch.setattr(intake, "parse", lambda raw, limits: 1 / 0)
    sealers.start(1)
    monkeypatch.undo()

    with pytest.raises(SealerLost, match="ZeroDivisionError"):
        sealers.take_in(desk(), [came(1, letter("1.1", ANNA, ANNA))]).result(10)
    with pytest.raises(SealerLost, match="ZeroDivisionError"):
        sealers.take_in(desk(), [came(2, letter("2.1", ANNA, ANNA))]).result(10)


def test_when_one_is_killed_its_mail_is_given_back_and_another_goes_on(sealers: Sealers):
    first, second = sealers.processes
    os.kill(first.pid, signal.SIGSTOP)
    mails = [came(1, letter("1.1", ANNA, ANNA))]
    stuck, going = first.take_in(desk(), mails), second.take_in(desk(), mails)
    assert 1 == len(going.result(10))
    assert not stuck.done()

    os.kill(first.pid, signal.SIGKILL)

    with pytest.raises(SealerLost):
        stuck.result(10)
    with pytest.raises(SealerLost):
        first.take_in(desk(), mails).result(10)
    assert 1 == len(sealers.take_in(desk(), mails).result(10))
    os.kill(second.pid, signal.SIGKILL)
    assert until(lambda: second.is_lost, 10)
    assert 1 == len(sealers.take_in(desk(), mails).result(10))


def test_one_that_never_answers_is_killed(sealers: Sealers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("worker.sealers.PATIENCE_SECONDS", 0.2)
    one = sealers.processes[0]
    os.kill(one.pid, signal.SIGSTOP)

    with pytest.raises(SealerLost):
        sealers.wait_for(one.take_in(desk(), [came(1, letter("1.1", ANNA, ANNA))]))

    assert until(lambda: one.is_lost and not is_alive(one.pid), 10)
    assert not sealers.processes[1].is_lost


def test_one_that_hangs_does_not_keep_its_worker_from_ending(sealers: Sealers):
    pids = [one.pid for one in sealers.processes]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)

    sealers.stop()

    assert not any(map(is_alive, pids))


@pytest.mark.parametrize("end", ["killed", "in good order"])
def test_they_end_with_their_worker(end: str):
    with subprocess.Popen(
        [sys.executable, "-c", WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdin is not None
        pids = [int(word) for word in worker.stdout.readline().split()]
        born = [is_alive(pid) for pid in pids]
        if end == "killed":
            worker.kill()
        else:
            worker.stdin.close()
            assert b"stopped\n" == worker.stdout.readline()
        gone = until(lambda: not any(map(is_alive, pids)), 10)
        worker.kill()

    assert [True] * 3 == born
    assert gone


def test_a_batch_whose_sealer_is_killed_is_taken_in_later(house: House, sealers: Sealers):
    user = house.user()
    house.put_lead("anna", ANNA)
    for number in range(5):
        house.write(user, f"t{number}.1", ANNA)
    house.service.__dict__["sealers"] = sealers
    for one in sealers.processes:
        os.kill(one.pid, signal.SIGSTOP)
    mailbox = house.connect(user, runs=False)

    def kill() -> None:
        for one in sealers.processes:
            os.kill(one.pid, signal.SIGKILL)

    Timer(1, kill).start()

    with pytest.raises(SealerLost):
        house.run_jobs()
    house.rows_changed("UPDATE pending SET retry_at = now()")
    house.sync(mailbox)
    house.bell.fetch(mailbox)
    house.run_jobs()

    assert EQUAL == house.compare()
