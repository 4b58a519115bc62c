"""`python -m worker.up`, for who has no `leadmail` command."""

import typer

from worker.commands.up import up

typer.run(up)
