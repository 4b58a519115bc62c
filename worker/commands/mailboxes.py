"""`leadmail mailbox`: what the API does, for an operator."""

from __future__ import annotations

from typing import Annotated

import typer

from privacy.order import Instruction
from worker.boot import Service
from worker.commands.erasures import choose_workspace, follow
from worker.commands.speaking import In, Json, service, show_all
from worker.erasures import Erasures
from worker.mailboxes import Mailboxes

app = typer.Typer(help="Connected mailboxes.", no_args_is_help=True)
ALL = 1000


def mailboxes_of(built: Service, workspace: str | None) -> Mailboxes:
    """Return the mailboxes of the chosen workspace."""
    return Mailboxes(built, choose_workspace(built, workspace), "operator")


@app.command("list")
def list_(within: In = None, as_json: Json = False) -> None:
    """List the mailboxes with their state and progress."""
    with service() as built:
        shown, _ = mailboxes_of(built, within).page(0, ALL)
        show_all(
            [
                {
                    "id": str(one.id),
                    "address": one.card.address if one.card else "",
                    "user": one.card.user if one.card else "",
                    "state": one.state,
                    "examined": int(one.progress.examined),
                    "stored": one.progress.stored,
                    "parked": one.progress.parked,
                    "last_synced_at": (
                        one.last_synced_at.isoformat() if one.last_synced_at else None
                    ),
                    "problem": one.problem,
                }
                for one in shown
            ],
            as_json,
        )


@app.command("sync")
def sync(mailbox: str, within: In = None) -> None:
    """Sync a mailbox now."""
    with service() as built:
        due = mailboxes_of(built, within).sync(mailbox)
        typer.echo("rung" if due else "it is paused or waits for its user: not rung")


@app.command("disconnect")
def disconnect(
    mailbox: str,
    instructed_by: Annotated[str, typer.Option(help="On whose instruction.")],
    reference: Annotated[str, typer.Option(help="Their reference for it.")],
    within: In = None,
) -> None:
    """Disconnect a mailbox: all its mail goes; waits and prints the certificate."""
    with service() as built:
        held = Erasures(built, choose_workspace(built, within), "operator")
        order = held.mailbox(mailbox, Instruction(instructed_by, reference))
        typer.echo(follow(held, order))
