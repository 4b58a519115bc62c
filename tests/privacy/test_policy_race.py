"""Leads, rules and persons that go while mail comes in: none of their mail stays or returns."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event

from sqlalchemy import text

from models.queries import folders, leads, mailboxes, policies, storing
from models.store import PersonErased, PolicyChanged
from privacy.order import Scope
from privacy.vault import Key
from tests.privacy.ground import ORDERED, Box, World
from tests.storm import rounds, storm
from worker.threads import thread

ROUNDS = rounds(ci=8, full=500)
WRITERS = 4
ANNA, CARL = "anna@lead.example", "carl@other.example"

pytestmark = storm(ROUNDS, each=10)
Decide = Callable[[Box], int | None]


def decided(box: Box) -> int | None:
    """Return the policy's version if some lead has the address under it, else None."""
    workspace = box.workspace
    hash_ = workspace.world.vault.workspace(workspace.id).index.address(ANNA)
    with workspace.world.store.workspace(workspace.id) as connection:
        version = policies.version(connection, workspace.id, hold=True)
        return version if hash_ in leads.still_matching(connection, [hash_]) else None


def undecided(box: Box) -> int | None:
    """Return the policy's version, whoever is a lead under it."""
    return box.version()


def import_until(box: Box, decide: Decide, begun: Event, over: Event) -> None:
    """Store mails of the lead as the importer does."""
    world, workspace = box.workspace.world, box.workspace.id
    pattern, key = box.seal(0, box.key, [ANNA]), Key.fresh()
    while not over.is_set():
        version = decide(box)
        if version is None:
            return
        (id_,) = box.keys(1)
        mail = replace(pattern, id=id_, ref=str(id_), twin=random.randbytes(16))
        mail = replace(mail, head=key.secret)
        try:
            with world.store.workspace(workspace) as connection:
                box.write(connection, [mail], version)
            begun.set()
        except (PolicyChanged, PersonErased):
            world.vault.shred_messages(workspace, [id_])


@contextmanager
def imports_into(box: Box, decide: Decide) -> Iterator[None]:
    """Import in several threads during the block and for a moment after it."""
    begun, over = Event(), Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        importing = [pool.submit(import_until, box, decide, begun, over) for _ in range(WRITERS)]
        try:
            # A race in which nobody wrote would prove nothing.
            assert begun.wait(20)
            time.sleep(random.uniform(0.0, 0.1))
            yield
            time.sleep(0.1)
        finally:
            over.set()
        for one in importing:
            one.result()


def mails_naming(box: Box, address: str) -> int:
    index = box.workspace.world.vault.workspace(box.workspace.id).index
    return box.workspace.count("participant", f"address_hash = '\\x{index.address(address).hex()}'")


def orphans(box: Box) -> int:
    """Return keys whose mail isn't there."""
    workspace = box.workspace
    with workspace.world.vault.store.workspace(workspace.id) as connection:
        keys = set(connection.scalars(text("SELECT mail_id FROM message_key")))
    with workspace.world.store.workspace(workspace.id) as connection:
        return len(keys - set(connection.scalars(text("SELECT id FROM mail"))))


def test_mail_of_an_erased_lead_does_not_come_back(world: World):
    purge = world.purge()
    for _ in range(ROUNDS):
        workspace = world.workspace()
        lead, box = workspace.lead(ANNA), workspace.mailbox()
        workspace.lead(CARL)
        kept = box.store_mails(ANNA, CARL)

        with imports_into(box, decided):
            assert purge.run(world.orders.lead(workspace.id, lead, ORDERED))

        assert len(kept) == mails_naming(box, ANNA)
        assert 0 == orphans(box)


def test_an_importer_that_does_not_decide_brings_it_back(world: World):
    # The control arm: the version is current, the decision isn't.
    workspace = world.workspace()
    lead, box = workspace.lead(ANNA), workspace.mailbox()

    with imports_into(box, undecided):
        world.orders.lead(workspace.id, lead, ORDERED)

    assert 0 < mails_naming(box, ANNA)


def test_mail_of_an_address_taken_from_a_lead_does_not_come_back(world: World):
    purge = world.purge()
    for _ in range(ROUNDS):
        workspace = world.workspace()
        lead, box = workspace.lead(ANNA, CARL), workspace.mailbox()
        box.store_mails(CARL)
        hash_ = world.vault.workspace(workspace.id).index.address(ANNA)

        with imports_into(box, decided):
            with world.store.workspace(workspace.id) as connection:
                leads.hold_policy(connection, workspace.id)
                order = world.orders.write(workspace.id, Scope.POLICY, ORDERED, hashes=[hash_])
                policies.raise_version(connection, workspace.id)
                held = leads.addresses(connection, [lead])
                leads.remove_addresses(connection, [row.id for row in held if row.hash == hash_])
            assert purge.run(order)

        assert 0 == mails_naming(box, ANNA)
        assert 1 == mails_naming(box, CARL)
        assert 0 == orphans(box)


def test_mail_that_names_the_erased_does_not_come_back(world: World):
    # The domain stays a lead's: only the tombstone keeps the mail out.
    purge = world.purge()
    for _ in range(ROUNDS):
        workspace = world.workspace()
        workspace.lead(domains=["lead.example"])
        box = workspace.mailbox()
        box.store_mails("eva@lead.example")

        with imports_into(box, undecided):
            assert purge.run(world.orders.address(workspace.id, ANNA, ORDERED))

        assert 0 == mails_naming(box, ANNA)
        assert 1 == mails_naming(box, "eva@lead.example")
        assert 0 == orphans(box)


def thread_mails(box: Box, over: Event) -> int:
    """Store mails that hang together and join conversations, as the importer threads them."""
    world, workspace, stored = box.workspace.world, box.workspace.id, 0
    threads = [random.Random(7).randbytes(16) for _ in range(12)]
    while not over.is_set():
        version = decided(box)
        whom = CARL if version is None else ANNA
        mails = [
            replace(
                box.seal(id_, key, [whom]),
                own_reference=random.choice(threads),
                references=tuple(random.sample(threads, 2)),
            )
            for id_, key in box.keys(4).items()
        ]
        try:
            with world.store.workspace(workspace) as connection:
                assert mailboxes.hold_live(connection, box.id, 1)
                conversations = thread(connection, workspace, mails, set())
                storing.add_mails(
                    connection, box.ground, version or box.version(), mails, conversations
                )
            stored += len(mails)
        except PolicyChanged:
            world.vault.shred_messages(workspace, [mail.id for mail in mails])
    return stored


def move_mails(box: Box, over: Event) -> int:
    """Forget where mails lie and find them again, as a sync does."""
    world, workspace, moved = box.workspace.world, box.workspace.id, 0
    while not over.is_set():
        with world.store.workspace(workspace) as connection:
            query = "SELECT ref, mail_id FROM place WHERE folder_id = :f ORDER BY random() LIMIT 9"
            placed = [
                (row.ref, row.mail_id)
                for row in connection.execute(text(query), {"f": box.folder_id})
            ]
            refs = [ref for ref, _ in placed]
            folders.forget_refs(connection, box.folder_id, refs, datetime.now(UTC))
        with world.store.workspace(workspace) as connection:
            still = set(
                connection.scalars(
                    text("SELECT id FROM mail WHERE id = ANY(:ids) FOR KEY SHARE"),
                    {"ids": [mail for _, mail in placed]},
                )
            )
            again = [(ref, mail) for ref, mail in placed if mail in still]
            if again:
                folders.put_places(connection, workspace, box.id, 1, box.folder_id, again)
            moved += len(again)
    return moved


def test_neither_the_purge_nor_a_worker_is_a_victim_of_the_other(world: World):
    purge = world.purge()
    workspace = world.workspace()
    boxes = [workspace.mailbox(f"ben{n}@firm.example", f"u{n}") for n in range(2)]
    workspace.lead(CARL)
    over = Event()

    with ThreadPoolExecutor(6) as pool:
        working = [pool.submit(thread_mails, box, over) for box in boxes for _ in range(2)]
        working += [pool.submit(move_mails, box, over) for box in boxes]
        try:
            for _ in range(ROUNDS * 2):
                lead = workspace.lead(ANNA)
                time.sleep(0.3)
                assert purge.run(world.orders.lead(workspace.id, lead, ORDERED))
        finally:
            over.set()
        done = [one.result() for one in working]

    assert all(count > 0 for count in done[:4])
    assert 0 == orphans(boxes[0])
    empty = "merged_into IS NULL AND id NOT IN (SELECT conversation_id FROM mail)"
    assert 0 == workspace.count("conversation", empty)
