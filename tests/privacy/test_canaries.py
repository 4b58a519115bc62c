"""Nothing personal ever reaches the databases' files, before an erasure or after it."""

from __future__ import annotations

import base64
import binascii
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import insert

from models.queries import bells, connecting, folders, grants, leads, mailboxes, policies, storing
from models.workspace import PolicyRule
from privacy import contents
from privacy.order import Instruction
from privacy.vault import Key, Place
from tests.databases import Databases
from tests.privacy.canaries import Canaries, files_with, markers_in, spellings
from tests.privacy.ground import Box, World
from worker.embedded import PostgresServer

SEALING = {name for name, _ in inspect.getmembers(contents, inspect.isfunction)}
SEALING = {name for name in SEALING if name.startswith("seal_")}


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Everything that is logged, as text."""
    lines: list[str] = []
    with structlog.testing.capture_logs() as captured:
        yield lines
    lines.extend(map(str, captured))


def plant(world: World, canaries: Canaries) -> Box:
    """Plant a marker in everything that is sealed; return the mailbox."""
    workspace = world.workspace(canaries.plant("workspace name"))
    keys, box = world.vault.workspace(workspace.id), workspace.mailbox()
    (mail,) = box.keys(1).items()
    plant_mail(box, canaries, *mail)
    plant_ways(box, canaries)
    with world.store.workspace(workspace.id) as connection:
        (lead,) = leads.draw_lead_ids(connection, 1)
        key = world.vault.make_lead_keys(workspace.id, [lead])[lead]
        card = canaries.fill(contents.LeadCard)
        row = (lead, b"hash", contents.seal_lead(key, workspace.id, lead, card))
        leads.add(connection, workspace.id, [row])
        (address,) = leads.draw_address_ids(connection, 1)
        named = canaries.address("lead address")
        sealed = contents.seal_lead_address(key, workspace.id, address, named)
        leads.add_addresses(
            connection,
            workspace.id,
            1,
            [(address, lead, "address", keys.index.address(named), sealed, False, None)],
        )
        connection.execute(
            insert(PolicyRule).values(
                workspace_id=workspace.id,
                kind="blocked_address",
                hash=keys.index.address(canaries.plant("rule")),
                sealed=contents.seal_rule(keys.sealing, workspace.id, 1, canaries.plant("rule")),
            )
        )
        rewrite_mailbox(box, canaries)
        account = storing.Account(
            keys.index.hash("user", canaries.plant("user")),
            b"account",
            contents.seal_active_user(keys.sealing, workspace.id, box.id, canaries.plant("user")),
        )
        storing.count_activity(connection, box.ground, account, [(20_000, 1, 1)])
    return box


def plant_ways(box: Box, canaries: Canaries) -> None:
    """Put markers into what leads to the mailbox: addresses, a link, an attempt, a delegation."""
    workspace, id_ = box.workspace.id, box.id
    sealing = box.workspace.world.vault.workspace(workspace).sealing
    wish = canaries.fill(contents.Wish, since=None)
    card = contents.AttemptCard(
        1, canaries.plant("link"), None, {"verifier": canaries.plant("verifier")}
    )
    with box.workspace.world.store.workspace(workspace) as connection:
        urls = contents.seal_return_urls(sealing, workspace, [canaries.plant("return url")])
        connecting.put_return_urls(connection, workspace, urls)
        whose = {"id": id_, "workspace_id": workspace, "mailbox_id": id_, "hash": b"h"}
        sealed = contents.seal_wish(sealing, workspace, id_, wish)
        connecting.add_link(connection, timedelta(hours=1), sealed=sealed, **whose)
        sealed = contents.seal_attempt(sealing, workspace, id_, card)
        more = {"provider": "gmail", "browser": b"b", "sealed": sealed}
        connecting.add_attempt(connection, timedelta(minutes=10), **whose, **more)
        sealed = contents.seal_delegation(sealing, workspace, id_, canaries.plant("key"))
        of_all = {"id": id_, "workspace_id": workspace, "provider": "gmail"}
        grants.add_delegation(connection, sealed=sealed, **of_all)


def plant_mail(box: Box, canaries: Canaries, id_: int, key: Key) -> None:
    """Store a mail whose every text, name and address is a marker."""
    of = contents.OfMail(box.workspace.id, id_, 1)
    head = canaries.fill(contents.Head, date=datetime(2026, 11, 23, tzinfo=UTC))
    body = canaries.fill(contents.Body)
    card = canaries.fill(contents.AttachmentCard)
    raw = f"Subject: {canaries.plant('raw mail')}\r\n\r\n" + "Guten Tag\r\n" * 200
    index = box.workspace.world.vault.workspace(box.workspace.id).index
    mail = replace(
        box.seal(id_, key),
        own_reference=index.hash("message-id", head.message_id),
        head=contents.seal_head(key, of, head),
        body=contents.seal_body(key, of, body),
        raw=contents.seal_raw(key, of, raw.encode()),
        attachments=(
            storing.NewAttachment("2", 1, False, contents.seal_attachment(key, of, "2", card)),
        ),
    )
    with box.workspace.world.store.workspace(box.workspace.id) as connection:
        box.write(connection, [mail], policies.version(connection, box.workspace.id))


def rewrite_mailbox(box: Box, canaries: Canaries) -> None:
    """Put markers into the mailbox's card, its grant, its folder and its watch."""
    workspace = box.workspace.id
    card = canaries.fill(contents.MailboxCard, port=993)
    grant = canaries.fill(contents.Grant, expires_at=None, granted_at=None, renewed_at=None)
    named = canaries.fill(contents.FolderCard)
    with box.workspace.world.store.workspace(workspace) as connection:
        sealed = contents.seal_mailbox(box.key, workspace, box.id, card)
        mailboxes.change(connection, box.id, sealed=sealed)
        sealed = contents.seal_grant(box.key, workspace, box.id, 1, grant)
        grants.swap(connection, box.id, 1, sealed)
        sealed = contents.seal_folder(box.key, workspace, box.folder_id, 1, named)
        folders.change(connection, box.folder_id, sealed=sealed)
        watch = bells.begin(connection, workspace, box.id, b"hash")
        sealed = contents.seal_watch(box.key, workspace, watch, canaries.plant("watch"))
        bells.keep(connection, watch, sealed, datetime(2026, 11, 30, tzinfo=UTC))


def flush(server: PostgresServer) -> list[Path]:
    """Write everything to the server's files; return where they are."""
    with server.connect() as connection:
        connection.execute("CHECKPOINT")
    return [server.data, server.log.parent]


def test_no_marker_lies_in_any_file(own_postgres: PostgresServer, logged: list[str]):
    world, canaries = World.at(Databases(own_postgres.url, own_postgres.vault_url)), Canaries()
    box = plant(world, canaries)
    before = files_with(canaries.token, *flush(own_postgres))

    said = Instruction(canaries.plant("instructed by"), canaries.plant("reference"))
    order = world.orders.mailbox(box.workspace.id, box.id, said)
    done = world.purge().run(order)
    after = files_with(canaries.token, *flush(own_postgres))
    row = world.order(order, box.workspace.id)
    world.close()

    assert {} == before
    assert done
    assert {} == after
    assert canaries.token not in row.certificate
    assert [] == [line for line in logged if canaries.token in line]
    assert len(canaries.planted) > 30


def test_the_search_finds_what_is_not_sealed(
    own_postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
):
    # The control: the same rows with sealing replaced by nothing, before and after an erasure.
    def as_it_is(_key: Key, _place: Place, clear: bytes) -> bytes:
        return clear

    for name, module in list(sys.modules.items()):
        if name.startswith("privacy.") and "seal" in vars(module):
            monkeypatch.setattr(module, "seal", as_it_is)
    world, canaries = World.at(Databases(own_postgres.url, own_postgres.vault_url)), Canaries()
    box = plant(world, canaries)
    said = Instruction(canaries.plant("instructed by"), canaries.plant("reference"))

    world.purge().run(world.orders.mailbox(box.workspace.id, box.id, said))
    places = flush(own_postgres)
    world.close()

    assert set(canaries.planted) == markers_in(canaries.planted, *places)
    assert files_with(canaries.token, *places)


def test_everything_that_is_sealed_is_planted(monkeypatch: pytest.MonkeyPatch, world: World):
    used: set[str] = set()
    for name in SEALING:
        sealing = getattr(contents, name)

        def watched(*given: object, name: str = name, sealing=sealing) -> object:
            used.add(name)
            return sealing(*given)

        monkeypatch.setattr(contents, name, watched)

    plant(world, Canaries())

    assert SEALING == used


def test_every_sealed_column_is_one_that_contents_names():
    from models.base import Base

    sealed = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name.startswith("sealed") or column.name in ("head", "body")
    }

    assert {
        ("activity", "sealed_user"),
        ("attachment", "sealed"),
        ("connect_attempt", "sealed"),
        ("connect_link", "sealed"),
        ("delegation", "sealed"),
        ("folder", "sealed"),
        ("integration", "sealed"),
        ("idempotent_answer", "sealed"),
        ("lead", "sealed"),
        ("lead_address", "sealed"),
        ("mail", "body"),
        ("mail", "head"),
        ("mail_raw", "sealed"),
        ("mailbox", "sealed"),
        ("mailbox_grant", "sealed"),
        ("mailbox_watch", "sealed"),
        ("policy_rule", "sealed"),
        ("workspace", "sealed"),
    } == sealed


TOKEN = "q0123456789abcdef12"


@pytest.mark.parametrize("spelling", spellings(TOKEN).values(), ids=spellings(TOKEN))
def test_the_search_knows_each_spelling(spelling: bytes, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"\0before" + spelling + b"after\xff")

    assert [str(tmp_path / "file")] == list(files_with(TOKEN, tmp_path))


@pytest.mark.parametrize(
    "encode",
    [base64.b64encode, base64.urlsafe_b64encode, base64.b32encode, binascii.hexlify],
)
def test_the_search_finds_what_was_encoded_with_its_neighbours(
    encode: Callable[[bytes], bytes], tmp_path: Path
):
    for before in range(7):
        (tmp_path / str(before)).write_bytes(encode(b"." * before + TOKEN.encode() + b"after"))

    assert 7 == len(files_with(TOKEN, tmp_path))


def test_the_search_finds_nothing_in_what_holds_nothing(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"Guten Tag" * 1000)

    assert {} == files_with(TOKEN, tmp_path)
