"""`leadmail demo`: what one does with the mailbox of `leadmail up --demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.commands.speaking import Json, fail, show
from worker.demo import deliver as delivering
from worker.embedded.child import NotStarted

app = typer.Typer(help="The mailbox of `leadmail up --demo`.", no_args_is_help=True)


@app.callback()
def demo() -> None:
    """Do things with the mailbox of `leadmail up --demo`."""


@app.command("deliver")
def deliver(
    lead: Annotated[str | None, typer.Option(help="Of which lead; the first if none.")] = None,
    subject: Annotated[str | None, typer.Option(help="Its subject.")] = None,
    text: Annotated[str | None, typer.Option(help="What it says.")] = None,
    data: Annotated[
        Path, typer.Option(envvar="LEADMAIL_DATA", help="The directory of `leadmail up`.")
    ] = Path(".leadmail"),
    as_json: Json = False,
) -> None:
    """Deliver a new mail of a lead into the mailbox; it appears within seconds."""
    try:
        show({"from": delivering.deliver(data, lead, subject, text)}, as_json)
    except NotStarted as error:
        fail(str(error))
