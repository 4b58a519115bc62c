"""A person who is erased by address is gone for good, and what others need stays."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from models.mail import Mail
from models.queries import leads, matching
from models.store import PersonErased
from privacy.order import Orders, Scope
from privacy.purge import NotYetGone
from privacy.vault import Vault
from tests.privacy.ground import ORDERED, Workspace, World

ANNA, CARL = "anna@lead.example", "carl@other.example"


def readable(workspace: Workspace) -> int:
    with workspace.world.store.workspace(workspace.id) as connection:
        readable = select(func.count(Mail.id)).where(matching.is_readable())
        return int(connection.scalar(readable) or 0)


def test_a_person_goes_with_mail_lead_and_keys(world: World):
    workspace = world.workspace()
    anna = workspace.lead(ANNA)
    both = workspace.lead(ANNA, CARL)
    box = workspace.mailbox()
    box.store_mails(ANNA, count=2)
    box.store_mails(ANNA, CARL)
    kept = box.store_mails(CARL)

    order = world.orders.address(workspace.id, ANNA, ORDERED)
    at_once = readable(workspace)
    assert world.purge().run(order)

    row = world.order(order, workspace.id)
    assert 1 == at_once == workspace.count("mail") == len(kept)
    assert [anna] == row.leads
    assert {both} == set(world.vault.lead_keys(workspace.id, [anna, both]))
    assert 1 == workspace.count("lead", f"id = {both}") == workspace.count("lead")
    assert 1 == workspace.count("lead_address")
    assert (2, 1, 4) == (row.removed["lead_address"], row.removed["lead"], row.removed["keys"])
    assert 1 == workspace.count("change", "kind = 'lead.erased'")


def test_mail_of_the_erased_never_comes_back(world: World):
    workspace = world.workspace()
    workspace.lead(domains=["lead.example"])
    box = workspace.mailbox()
    box.store_mails("eva@lead.example")
    world.purge().run(world.orders.address(workspace.id, ANNA, ORDERED))

    with pytest.raises(PersonErased):
        box.store_mails(ANNA)
    with pytest.raises(PersonErased):
        box.store_mails("eva@lead.example", ANNA)

    # The control: her colleague's does, and in another workspace hers as well.
    assert box.store_mails("eva@lead.example")
    assert world.workspace("B firm").mailbox().store_mails(ANNA)


def test_the_tombstone_holds_when_a_lead_names_the_erased_again(world: World):
    workspace = world.workspace()
    workspace.lead(ANNA)
    box = workspace.mailbox()
    world.purge().run(world.orders.address(workspace.id, ANNA, ORDERED))
    workspace.lead(ANNA)

    with pytest.raises(PersonErased):
        box.store_mails(ANNA)


def test_a_lead_with_a_domain_outlives_its_address(world: World):
    workspace = world.workspace()
    lead = workspace.lead(ANNA, domains=["lead.example"])
    world.purge().run(world.orders.address(workspace.id, ANNA, ORDERED))

    assert {lead} == set(world.vault.lead_keys(workspace.id, [lead]))
    assert 1 == workspace.count("lead_address")


def test_a_lead_key_that_stays_is_counted(world: World, monkeypatch: pytest.MonkeyPatch):
    workspace = world.workspace()
    workspace.lead(ANNA)
    order = world.orders.address(workspace.id, ANNA, ORDERED)
    purge = world.purge()
    monkeypatch.setattr(Vault, "shred_leads", lambda *_: None)

    with pytest.raises(NotYetGone, match=r"lead_key\.lead_id': 1"):
        purge.run(order)


def test_narrowing_takes_no_lead_along(world: World):
    workspace = world.workspace()
    lead = workspace.lead(ANNA, CARL)
    box = workspace.mailbox()
    box.store_mails(ANNA)
    kept = box.store_mails(CARL)
    hash_ = world.vault.workspace(workspace.id).index.address(ANNA)
    with world.store.workspace(workspace.id) as connection:
        leads.hold_policy(connection, workspace.id)
        rows = leads.addresses(connection, [lead])
        leads.remove_addresses(connection, [row.id for row in rows if row.hash == hash_])
    order = world.orders.narrowed(workspace.id, [hash_], ORDERED)

    assert world.purge().run(order)
    assert len(kept) == workspace.count("mail")
    assert {lead} == set(world.vault.lead_keys(workspace.id, [lead]))


@pytest.mark.parametrize("scope", list(Scope))
def test_every_point_between_the_databases_is_repeatable(
    scope: Scope, world: World, monkeypatch: pytest.MonkeyPatch
):
    workspace = world.workspace()
    lead, box = workspace.lead(ANNA), workspace.mailbox()
    box.store_mails(ANNA, count=2)
    hashes = [world.vault.workspace(workspace.id).index.address(ANNA)]
    subject: dict[str, int] = {}
    if scope in (Scope.MAILBOX, Scope.LEAD):
        subject = {f"{scope}_id": box.id if scope == Scope.MAILBOX else lead}
    order = world.orders.write(
        workspace.id,
        scope,
        ORDERED,
        hashes=() if scope == Scope.MAILBOX else hashes,
        tombstones=scope == Scope.ADDRESS,
        **subject,
    )

    # The fence is raised, and the process dies before the ledger says so.
    raised = world.order(order, workspace.id)
    with world.store.workspace(workspace.id) as connection:
        Orders(world.store, world.vault).raise_fence(connection, raised)
    unnoted = world.order(order, workspace.id)
    assert world.purge().run(order)

    row = world.order(order, workspace.id)
    assert unnoted.fenced_at is None
    assert "verified" == row.state
    goes = {Scope.MAILBOX: (2, 0), Scope.LEAD: (2, 1), Scope.ADDRESS: (2, 1)}
    counted = (row.removed.get("mail", 0), row.removed.get("lead", 0))
    assert goes.get(scope, (0, 0)) == counted
    with world.store.workspace(workspace.id) as connection:
        version = connection.scalar(text("SELECT version FROM policy"))
    assert (2 if scope == Scope.MAILBOX else 4) == version
