"""A purge removes what it was ordered to, all of it and nothing else, and proves it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from models.queries import changes, policies, threads
from privacy import certificate
from privacy.scope import Scope
from tests.privacy.ground import ORDERED, Workspace, World

ANNA, CARL = "anna@lead.example", "carl@other.example"


def feed(workspace: Workspace, kind: str) -> int:
    return workspace.count("change", f"kind = '{kind}'")


def test_a_disconnected_mailbox_is_gone_and_certified(world: World):
    workspace = world.workspace()
    workspace.lead(ANNA)
    box = workspace.mailbox()
    box.store_mails(ANNA, count=5)

    order = world.orders.mailbox(workspace.id, box.id, ORDERED)
    done = world.purge().run(order)

    ledger = world.order(order, workspace.id)
    body = certificate.verify(ledger.certificate, world.signer.public)
    assert done
    assert body is not None
    assert {
        "attachment": 5,
        "connect_attempt": 0,
        "connect_link": 0,
        "conversation": 5,
        "folder": 1,
        "keys": 6,
        "lease": 0,
        "mail": 5,
        "mail_raw": 5,
        "mailbox": 1,
        "mailbox_grant": 1,
        "mailbox_watch": 0,
        "participant": 5,
        "pending": 0,
        "place": 5,
        "reference": 5,
    } == body["removed"]
    assert {0} == set(body["residue"].values())
    assert "verified" == ledger.state
    for table in ("mail", "mail_raw", "participant", "mailbox", "message_key", "mailbox_key"):
        assert 0 == workspace.count(table)
    assert 0 == workspace.count("tally")


def test_an_order_passes_through_its_states(world: World):
    workspace = world.workspace()
    box = workspace.mailbox()
    box.store_mails()

    order = world.orders.write(workspace.id, Scope.MAILBOX, ORDERED, mailbox_id=box.id)
    ordered = world.order(order, workspace.id)
    world.orders.fence(workspace.id, order)
    fenced = world.order(order, workspace.id)
    world.purge().run(order)
    verified = world.order(order, workspace.id)

    assert ["ordered", "fenced", "verified"] == [row.state for row in (ordered, fenced, verified)]
    assert verified.requested_at <= fenced.fenced_at <= verified.shredded_at
    assert fenced.fenced_at == verified.fenced_at
    assert verified.shredded_at <= verified.verified_at
    assert verified.lease_until is None
    assert ORDERED == world.orders.instruction(verified)


def test_a_purge_that_is_done_does_nothing_more(world: World):
    workspace = world.workspace()
    box = workspace.mailbox()
    box.store_mails(count=3)
    order = world.orders.mailbox(workspace.id, box.id, ORDERED)
    purge = world.purge()
    assert purge.run(order)
    before = world.order(order, workspace.id)

    again = purge.run(order)
    world.orders.fence(workspace.id, order)

    assert not again
    assert before == world.order(order, workspace.id)
    assert 1 == feed(workspace, "mailbox.disconnected")
    assert 1 == feed(workspace, "mailbox.disconnecting")


def test_disconnecting_at_once_from_many_sides_is_one_order(world: World):
    workspace = world.workspace()
    box = workspace.mailbox()

    with ThreadPoolExecutor(6) as pool:
        orders = set(
            pool.map(lambda _: world.orders.mailbox(workspace.id, box.id, ORDERED), range(12))
        )

    assert 1 == len(orders)
    assert 1 == workspace.count("erasure")
    assert 2 == workspace.count("mailbox", "true") + int(
        1 == feed(workspace, "mailbox.disconnecting")
    )


def test_nothing_else_goes_with_a_mailbox(world: World):
    workspace, other = world.workspace(), world.workspace("B firm")
    for one in (workspace, other):
        one.lead(ANNA)
    gone, stays, elsewhere = workspace.mailbox(), workspace.mailbox(), other.mailbox()
    twin = [b"the same mail 16"]
    gone.store_mails(ANNA, count=2, twins=twin)
    kept = stays.store_mails(ANNA, count=2, twins=twin) + elsewhere.store_mails(ANNA)

    world.purge().run(world.orders.mailbox(workspace.id, gone.id, ORDERED))

    assert (2, 1) == (workspace.count("mail"), other.count("mail"))
    assert 2 == len(world.vault.message_keys(workspace.id, kept))
    assert 1 == len(world.vault.message_keys(other.id, kept))
    # The twin is still there for the CRM; the other mail isn't.
    assert 1 == feed(workspace, "message.removed")


def test_a_conversation_of_two_mailboxes_keeps_the_rest(world: World):
    workspace = world.workspace()
    workspace.lead(ANNA)
    gone, stays = workspace.mailbox(), workspace.mailbox("eva@firm.example", "u2")
    with world.store.workspace(workspace.id) as connection:
        (shared,) = threads.add_conversations(connection, workspace.id, 1)
        gone.write(
            connection,
            [gone.seal(id_, key) for id_, key in gone.keys(2).items()],
            gone_version(connection, workspace),
            shared,
        )
    stays.store_mails(ANNA, conversation=shared)

    world.purge().run(world.orders.mailbox(workspace.id, gone.id, ORDERED))

    assert 1 == workspace.count("mail", f"conversation_id = {shared}")
    assert 1 == workspace.count("conversation")


def gone_version(connection, workspace: Workspace) -> int:
    return policies.version(connection, workspace.id)


def test_a_mail_of_two_leads_goes_with_the_second(world: World):
    workspace = world.workspace()
    anna, carl = workspace.lead(ANNA), workspace.lead(CARL)
    box = workspace.mailbox()
    box.store_mails(ANNA, CARL)
    box.store_mails(ANNA)
    box.store_mails(CARL)
    left = []

    for lead in (anna, carl):
        assert world.purge().run(world.orders.lead(workspace.id, lead, ORDERED))
        left.append((workspace.count("mail"), workspace.count("message_key")))

    assert [(2, 2), (0, 0)] == left
    assert (0, 0) == (workspace.count("lead"), workspace.count("lead_key"))
    assert 2 == feed(workspace, "lead.erased")


def test_a_lead_takes_an_address_along_that_came_after_the_order(world: World):
    workspace = world.workspace()
    lead = workspace.lead(ANNA)
    order = world.orders.write(workspace.id, Scope.LEAD, ORDERED, lead_id=lead)
    box = workspace.mailbox()
    box.store_mails(ANNA)

    # Two processes fence at once; the slower must not take away what the other has found.
    row = world.order(order, workspace.id)
    for _ in range(2):
        with world.store.workspace(workspace.id) as connection:
            world.orders.raise_fence(connection, row)
    world.purge().run(order)

    assert 0 == workspace.count("mail")
    assert 1 == world.order(order, workspace.id).removed["lead_address"]


def test_a_block_that_was_lifted_purges_nothing_more(world: World):
    workspace = world.workspace()
    workspace.lead(ANNA)
    box = workspace.mailbox()
    box.store_mails(ANNA)
    hash_ = world.vault.workspace(workspace.id).index.address(ANNA)
    order = world.orders.narrowed(workspace.id, [hash_], ORDERED, blocked=True)

    assert world.purge().run(order)
    assert 1 == workspace.count("mail")

    # The control: while it stands, it purges.
    with world.store.workspace(workspace.id) as connection:
        connection.execute(
            text(
                "INSERT INTO policy_rule (workspace_id, kind, hash, sealed)"
                " VALUES (:workspace, 'blocked_address', :hash, '')"
            ),
            {"workspace": workspace.id, "hash": hash_},
        )
    again = world.orders.narrowed(workspace.id, [hash_], ORDERED, blocked=True)
    assert world.purge().run(again)
    assert 0 == workspace.count("mail")


def test_the_feed_tells_of_a_disconnection_in_order(world: World):
    workspace = world.workspace()
    box = workspace.mailbox()
    box.store_mails(count=2)

    world.purge().run(world.orders.mailbox(workspace.id, box.id, ORDERED))

    with world.store.workspace(workspace.id) as connection:
        kinds = [row.kind for row in changes.page(connection, (0, 0), 100)]
    assert ["mailbox.disconnecting", *["message.removed"] * 2, "mailbox.disconnected"] == kinds
