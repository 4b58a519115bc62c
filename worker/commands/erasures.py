"""`leadmail erase` and `leadmail certificate`: ending mail, and proving it."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from pathlib import Path
from typing import Annotated

import typer

from privacy.certificate import NotACertificate
from privacy.certificate import verify as verify_text
from privacy.order import Instruction
from worker.boot import Service
from worker.commands.speaking import WRONG_USE, In, fail, row, service, show
from worker.erasures import Erasures
from worker.workspaces import list_workspaces

certificate = typer.Typer(help="Certificates of erasures.", no_args_is_help=True)
WAIT_SECONDS = 0.5


def erase(
    instructed_by: Annotated[str, typer.Option(help="On whose instruction.")],
    reference: Annotated[str, typer.Option(help="Their reference for it.")],
    address: Annotated[str | None, typer.Option(help="A person, by address.")] = None,
    lead: Annotated[str | None, typer.Option(help="A lead, by the CRM's id.")] = None,
    mailbox: Annotated[str | None, typer.Option(help="A mailbox, by its id.")] = None,
    workspace: Annotated[
        str | None, typer.Option(help="A whole workspace: not available yet.")
    ] = None,
    within: In = None,
) -> None:
    """Erase; waits, shows progress and prints the certificate."""
    if workspace is not None:
        fail("a whole workspace can't be erased yet; to name one, say --in", WRONG_USE)
    if sum(given is not None for given in (address, lead, mailbox)) != 1:
        fail("name one of --address, --lead and --mailbox", WRONG_USE)
    with service() as built:
        held = Erasures(built, choose_workspace(built, within), "operator")
        instruction = Instruction(instructed_by, reference)
        if address is not None:
            order = held.address(address, instruction)
        elif lead is not None:
            order = held.lead(lead, instruction)
        else:
            order = held.mailbox(mailbox or "", instruction)
        typer.echo(follow(held, order))


def follow(held: Erasures, order: int) -> str:
    """Wait for an erasure, carrying it out here if no purge process does; its certificate."""
    said = ""
    while True:
        row = held.find(order)
        if row.certificate is not None:
            return str(row.certificate)
        state = f"erasure {order}: {row.state}, {row.removed.get('mail', 0)} mails removed"
        if state != said:
            typer.echo(state, err=True)
            said = state
        if row.lease_until is None:
            held.service.purge.run(order)
        else:
            time.sleep(WAIT_SECONDS)


def choose_workspace(built: Service, given: str | None) -> int:
    """Return the workspace that was named, or the only one there is."""
    if given is not None:
        return row(given)
    held = [id_ for id_, _ in list_workspaces(built)]
    if len(held) != 1:
        fail(f"there are {len(held)} workspaces: name one with --in", WRONG_USE)
    return held[0]


@certificate.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    key: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="The published public key, as GET /v1/certificates/key gave it.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a certificate offline; without --key against this installation's own key."""
    public = read_key(key) if key is not None else own_key()
    try:
        body = verify_text(file.read_bytes(), public)
    except NotACertificate as error:
        fail(str(error))
    if body is None:
        fail("the certificate is NOT valid: another key signed it, or it was changed")
    show({"valid": True, **body}, as_json)


def read_key(file: Path) -> bytes:
    """Return the 32 bytes of a published key: its base64, alone or as `key` of a JSON object."""
    text = file.read_text().strip()
    try:
        if text.startswith("{"):
            text = json.loads(text)["key"]
        public = b64decode(text, validate=True)
    except (ValueError, KeyError, TypeError):
        public = b""
    if len(public) != 32:
        fail(f"{file} holds no public key", WRONG_USE)
    return public


def own_key() -> bytes:
    """Return this installation's public key."""
    with service() as built:
        return built.signer.public
