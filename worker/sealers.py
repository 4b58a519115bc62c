"""Processes that parse and seal mail, beside the one that fetches and stores it.

Both take the interpreter's whole time, and Python runs one thread of a process at once: apart
they use two processors. They are forked before the worker has threads, hold no connection to
anything, and end with the worker, however it ends. What a mail does to a parser it does to
them: the worker goes on, and the mail's try is counted (F4).
"""

from __future__ import annotations

import os
import pickle  # between this process and its own children only
import signal
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection as Line
from queue import SimpleQueue
from threading import Lock, Thread
from typing import NoReturn

import dramatiq
import structlog
from dramatiq.middleware import Middleware

from connectors.base import RawMessage
from models.queries.storing import NewMail
from worker.intake import Desk, Intake, NotTakenIn, Ticket
from worker.lease import Work

log = structlog.get_logger(__name__)
Came = tuple[Ticket, RawMessage]
Sealed = NewMail | NotTakenIn
Answer = Future[list[Sealed]]
PATIENCE_SECONDS = 120.0
"""Far longer than the largest mails take."""


class SealerLost(Exception):
    """The process that had the mail in hand is gone: the mail is to be tried again."""


class Sealers:
    """Takes mails in: in processes of its own once they were started, else where it is asked."""

    def __init__(self) -> None:
        self.processes: list[Sealer] = []

    def start(self, count: int) -> None:
        """Fork so many; only for a process that has no other thread yet."""
        for _ in range(count):
            self.processes.append(fork(self.processes))
        for one in self.processes:
            one.listen()

    def stop(self) -> None:
        """End them."""
        processes, self.processes = self.processes, []
        for one in processes:
            one.stop()

    def take_in(self, desk: Desk, mails: Sequence[Came]) -> Answer:
        """Parse and seal some mails; the answer, in their order, may raise SealerLost."""
        alive = [one for one in self.processes if not one.is_lost]
        if alive:
            return min(alive, key=Sealer.busy).take_in(desk, mails)
        answer: Answer = Future()
        answer.set_result(all_of(Intake(desk), mails))
        return answer

    def wait_for(self, answer: Answer) -> list[Sealed]:
        """Return an answer when it is there; whoever never gives it is killed.

        Raises:
            SealerLost: There won't be any.
        """
        try:
            return answer.result(PATIENCE_SECONDS)
        except TimeoutError:
            for one in self.processes:
                if answer in one.waiting.values():
                    os.kill(one.pid, signal.SIGKILL)
            raise SealerLost from None


@dataclass(slots=True)
class Sealer:
    """One such process, seen from the worker: asked in order, it answers in order."""

    pid: int
    line: Line
    asking: Lock = field(default_factory=Lock)
    to_ask: SimpleQueue[bytes] = field(default_factory=SimpleQueue)
    waiting: dict[int, Answer] = field(default_factory=dict)
    asked: int = 0
    desk: Desk | None = None
    is_over: bool = False
    is_lost: bool = False

    def busy(self) -> int:
        """Return how much it has in hand."""
        return len(self.waiting)

    def listen(self) -> None:
        """Begin to ask, and to hear its answers."""
        for work in (self.ask, self.hear):
            Thread(target=work, name=f"sealer {self.pid} {work.__name__}", daemon=True).start()

    def take_in(self, desk: Desk, mails: Sequence[Came]) -> Answer:
        """Hand mails over; whoever does so again and again waits for the answers at times."""
        answer: Answer = Future()
        with self.asking:
            self.asked += 1
            self.waiting[self.asked] = answer
            if desk != self.desk:
                self.to_ask.put(pickle.dumps(desk))
                self.desk = desk
            self.to_ask.put(pickle.dumps((self.asked, mails)))
        if self.is_lost:
            self.lose()
        return answer

    def ask(self) -> None:
        """Send what is handed over until it ends: the line holds less than a batch."""
        while not self.is_lost:
            asked = self.to_ask.get()
            try:
                self.line.send_bytes(asked)
            except OSError:
                self.lose()

    def hear(self) -> None:
        """Hand its answers on until it ends."""
        try:
            while True:
                number, outcome = pickle.loads(self.line.recv_bytes())  # noqa: S301  # our child's
                answer = self.waiting.pop(number, None)
                if answer is None:
                    continue
                if isinstance(outcome, Exception):
                    answer.set_exception(outcome)
                else:
                    answer.set_result(outcome)
        except (EOFError, OSError):
            self.lose()

    def lose(self) -> None:
        """It is gone, and whatever it had in hand with it."""
        was_lost, self.is_lost = self.is_lost, True
        if not was_lost and not self.is_over:
            log.warning("sealer_ended", unanswered=len(self.waiting))
        while self.waiting:
            with suppress(KeyError):
                self.waiting.popitem()[1].set_exception(SealerLost())

    def stop(self) -> None:
        """End it: the jobs are over, and whatever it may hang in is nobody's."""
        self.is_over = True
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def fork(others: list[Sealer]) -> Sealer:
    """Return a new process that knows nothing of its siblings' lines."""
    ours, theirs = Pipe()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            for one in others:
                one.line.close()
            serve(theirs)
        finally:
            os._exit(1)
    theirs.close()
    return Sealer(pid, ours)


def serve(line: Line) -> NoReturn:
    """Take in what comes until the worker is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    intake: Intake | None = None
    try:
        while True:
            asked = pickle.loads(line.recv_bytes())  # noqa: S301  # our parent's
            if isinstance(asked, Desk):
                intake = Intake(asked)
                continue
            number, mails = asked
            outcome: list[Sealed] | Exception
            try:
                if intake is None:
                    raise SealerLost
                outcome = all_of(intake, mails)
            except Exception as error:  # noqa: BLE001  (raised where the mail was handed over)
                outcome = SealerLost(type(error).__name__)
            line.send_bytes(pickle.dumps((number, outcome)))
    except (EOFError, OSError):
        os._exit(0)


def all_of(intake: Intake, mails: Sequence[Came]) -> list[Sealed]:
    """Take some mails in."""
    return [intake.take_in(ticket, came) for ticket, came in mails]


class SealersOfWorker(Middleware):
    """Gives each worker process that imports its sealers, one processor left to itself."""

    def __init__(self, sealers: Sealers) -> None:
        self.sealers = sealers

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        """Fork before there are threads."""
        if Work.IMPORT in (worker.consumer_whitelist or (Work.IMPORT,)):
            processors = len(os.sched_getaffinity(0))
            self.sealers.start(max(1, min(worker.worker_threads, processors - 1)))

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        """End them."""
        self.sealers.stop()
