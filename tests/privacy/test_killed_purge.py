"""A purge that is killed at any point goes on where it was, and its certificate is exact."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from privacy import certificate
from privacy.order import Scope
from privacy.vault import Key, MasterKeys
from tests.databases import Databases
from tests.privacy.ground import ORDERED, Workspace, World
from tests.storm import rounds, storm

IN_CI = 60
KILLS = rounds(ci=IN_CI, full=3000)
STEP = 6 if KILLS <= IN_CI else 1
"""Each of its transactions in the long run, every sixth in CI."""
ROOT = Path(__file__).parents[2]
ANNA, CARL = "anna@lead.example", "carl@other.example"
MAILS = 50
ENDED = ("done", "nothing left")
"""One may die after its last note, so that the next finds nothing left to do."""

pytestmark = storm(KILLS, each=4)


@dataclass
class Mortals:
    """The process that carries orders out and dies on the way."""

    world: World
    process: subprocess.Popen[str]

    def run(self, order: int, point: str) -> str:
        """Carry an order out up to a point; return how it ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{order} {point}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer == "killed":
            self.wait_for_the_lease()
        return answer

    def wait_for_the_lease(self) -> None:
        """Let the two minutes pass for which the dead one keeps its order."""
        with self.world.vault.store.system() as ledger:
            ledger.execute(text("UPDATE erasure SET lease_until = now() - interval '1 second'"))


@pytest.fixture
def mortals(databases: Databases) -> Iterator[Mortals]:
    key = Key.fresh()
    world = World.at(databases, MasterKeys([key]))
    environment = dict(os.environ, MASTER=urlsafe_b64encode(key.secret).decode())
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.privacy.mortal", databases.url, databases.vault_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    yield Mortals(world, process)
    process.kill()
    process.communicate()
    world.close()


def order_of(workspace: Workspace, scope: Scope) -> tuple[int, dict[str, int]]:
    """Fill a workspace and order an erasure in it; return the order and what is to go."""
    world = workspace.world
    lead, box = workspace.lead(ANNA), workspace.mailbox()
    workspace.lead(CARL)
    box.store_mails(ANNA, count=MAILS)
    own = {} if scope == Scope.MAILBOX else {"lead": 1, "lead_address": 1}
    of_mails = ("attachment", "conversation", "mail", "mail_raw", "participant", "place")
    goes = dict.fromkeys((*of_mails, "reference"), MAILS) | own | {"keys": MAILS + 1}
    if scope == Scope.MAILBOX:
        goes |= {"folder": 1, "lease": 0, "mailbox": 1, "mailbox_grant": 1, "pending": 0}
        goes |= {"connect_attempt": 0, "connect_link": 0, "mailbox_watch": 0}
        return world.orders.write(workspace.id, scope, ORDERED, mailbox_id=box.id), goes
    box.store_mails(CARL)
    hashes = [world.vault.workspace(workspace.id).index.address(ANNA)]
    if scope == Scope.LEAD:
        return (
            world.orders.write(workspace.id, scope, ORDERED, lead_id=lead, hashes=hashes),
            goes,
        )
    return (
        world.orders.write(workspace.id, scope, ORDERED, hashes=hashes, tombstones=True),
        goes,
    )


def assert_gone(workspace: Workspace, order: int, goes: dict[str, int]) -> None:
    """The certificate counts what was there, no more and no less, and nothing is left."""
    world = workspace.world
    row = world.order(order, workspace.id)
    body = certificate.verify(row.certificate, world.signer.public)
    assert body is not None
    assert goes == body["removed"]
    assert {0} == set(body["residue"].values())
    kept = 0 if row.scope == Scope.MAILBOX else 1
    for table in ("mail", "mail_raw", "participant", "conversation", "message_key"):
        assert kept == workspace.count(table), table
    told = "mailbox.disconnected" if row.scope == Scope.MAILBOX else "lead.erased"
    assert 1 == workspace.count("change", f"kind = '{told}'")
    assert MAILS == workspace.count("change", "kind = 'message.removed'")


@pytest.mark.parametrize("scope", [Scope.MAILBOX, Scope.LEAD, Scope.ADDRESS])
def test_a_purge_killed_at_each_of_its_transactions_goes_on(scope: Scope, mortals: Mortals):
    # One life after another ends a transaction later, until one comes to the end.
    world, answer, lives, point = mortals.world, "killed", 0, 0
    while answer == "killed":
        point += STEP
        workspace = world.workspace()
        order, goes = order_of(workspace, scope)

        answer = mortals.run(order, str(point))
        if answer == "killed":
            lives += 1
            assert mortals.run(order, "0") in ENDED

        assert_gone(workspace, order, goes)

    assert "done" == answer
    assert lives * STEP > 20


def test_a_purge_killed_again_and_again_ends(mortals: Mortals):
    chance, killed = random.Random(7), 0
    while killed < KILLS:
        workspace = mortals.world.workspace()
        scope = chance.choice([Scope.MAILBOX, Scope.LEAD, Scope.ADDRESS])
        order, goes = order_of(workspace, scope)
        lives = 0
        while True:
            # Short lives get nowhere: each is given a little more.
            point = f"{chance.uniform(0.01, 0.1 + lives * 0.05):.4f}"
            if chance.random() < 0.5:
                point = str(chance.randrange(2, 12 + 4 * lives))
            answer = mortals.run(order, point)
            if answer != "killed":
                break
            lives += 1

        killed += lives
        assert answer in ENDED
        assert_gone(workspace, order, goes)
