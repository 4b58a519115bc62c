"""`leadmail up`: everything in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker import up as foreground


def up(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = (
        8000
    ),
    data: Annotated[
        Path, typer.Option(envvar="LEADMAIL_DATA", help="Where servers, keys and logs are kept.")
    ] = Path(".leadmail"),
    demo: Annotated[bool, typer.Option("--demo", help="Add a mailbox to try it with.")] = False,
) -> None:
    """Run everything, on embedded servers unless DATABASE_URL and REDIS_URL are set."""
    raise typer.Exit(foreground.up(host, port, data, demo=demo))
