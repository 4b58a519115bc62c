"""Workers that are killed by the hundred: forked from one process that has everything loaded.

The process reads a line for each worker that is wanted. A worker asks the database what is
due, as the clock does, and runs the jobs, as dramatiq does; it says `begin`, `end` and its
process id around each, so that whoever kills it can hit it at work.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from models.queries import erasures, mailboxes
from privacy import purge, turn
from worker import jobs
from worker.boot import Service
from worker.log import configure
from worker.settings import Settings

LEASE_SECONDS = 0.4
"""So short that what a killed worker held is soon taken up; live workers lose it at times."""
RUN = {"sync": jobs.sync_mailbox, "import": jobs.import_mail, "purge": jobs.erase}


@dataclass(slots=True)
class Bell:
    """What this worker rings for, it runs itself."""

    waiting: deque[tuple[str, int]] = field(default_factory=deque)

    def sync(self, mailbox_ids: Collection[int]) -> None:
        self.waiting += [("sync", id_) for id_ in mailbox_ids]

    def fetch(self, mailbox_id: int) -> None:
        self.waiting.append(("import", mailbox_id))

    def purge(self, erasure_id: int) -> None:
        self.waiting.append(("purge", erasure_id))

    def has_waiting(self, queue: str) -> bool:
        return bool(self.waiting)


def work(parent: int) -> None:
    """Run what is due until somebody kills us."""
    settings = Settings().model_copy(update={"lease_seconds": LEASE_SECONDS})
    service = Service(settings)
    bell = Bell()
    service.__dict__["doorbell"] = bell
    say("born")
    while os.getppid() == parent:
        try:
            if not bell.waiting:
                bell.waiting += due(service)
            if bell.waiting:
                kind, id_ = bell.waiting.popleft()
                say("begin")
                RUN[kind](service, id_)
                say("end")
            else:
                time.sleep(0.02)
        except Exception:  # noqa: BLE001  # as dramatiq does; the test reads the log
            traceback.print_exc()
            bell.waiting.clear()


def say(what: str) -> None:
    """Write a line that no other worker's can mix with."""
    os.write(1, f"{what} {os.getpid()}\n".encode())


def due(service: Service) -> list[tuple[str, int]]:
    """Return what is due, in any order."""
    with service.store.system() as connection:
        found = [("sync", id_) for id_ in mailboxes.due_for_sync(connection, 20)]
        found += [("import", id_) for id_ in mailboxes.due_for_import(connection, 20)]
    with service.vault_store.system() as ledger:
        found += [("purge", id_) for id_ in erasures.due(ledger, 20)]
    random.shuffle(found)
    return found


def main() -> None:
    """Fork a worker for each line."""
    configure("warning")
    purge.LEASE = turn.LEASE = timedelta(seconds=1)  # type: ignore[attr-defined]  # imported there
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    parent = os.getpid()
    for _ in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work(parent)
            os._exit(0)


if __name__ == "__main__":
    main()
