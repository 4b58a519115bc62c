"""A process that carries orders out and is killed on the way, as often as it is told to.

It reads lines of "order point" and forks for each: the child dies by SIGKILL as it is about to
commit its point-th transaction, in either database; 0 lets it live. It answers "done",
"nothing left", "failed" or "killed". It imports everything once, and has no thread and no
connection of its own when it forks.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback

from sqlalchemy import Engine, event

import privacy.purge
from privacy.vault import MasterKeys
from tests.databases import Databases
from tests.privacy.ground import World

privacy.purge.CHUNK = 20
"""Mails deleted per transaction, so that few mails make many transactions."""


def main() -> None:
    databases = Databases(sys.argv[1], sys.argv[2])
    masters = MasterKeys.parse(os.environ["MASTER"])
    for line in sys.stdin:
        order, point = line.split()
        child = os.fork()
        if child == 0:
            live(World.at(databases, masters), int(order), point)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            print("killed", flush=True)
        else:
            print(["done", "nothing left", "failed"][os.WEXITSTATUS(status)], flush=True)


def live(world: World, order: int, point: str) -> None:
    """Carry the order out, unless death comes first."""
    if "." in point:
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, float(point))
    elif int(point):
        die_at(int(point), world.store.engine, world.vault.store.engine)
    try:
        done = world.purge().run(order)
    except Exception:  # noqa: BLE001  (whatever it is, the parent is told)
        traceback.print_exc()
        os._exit(2)
    os._exit(0 if done else 1)


def die_at(point: int, *engines: Engine) -> None:
    """Kill this process as it is about to commit for the point-th time."""
    left = point

    def count(_connection: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(10)

    for engine in engines:
        event.listen(engine, "commit", count)


if __name__ == "__main__":
    main()
