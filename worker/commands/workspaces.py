"""`leadmail workspace`, `key` and `login`: who may use an installation."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands.speaking import In, Json, fail, row, service, show, show_all
from worker.integration import put_return_urls, return_urls
from worker.sign_in import make_link
from worker.workspaces import Right, create_workspace, list_workspaces, make_key, revoke_key

workspace = typer.Typer(help="Workspaces: the Clients of the CRM.", no_args_is_help=True)
key = typer.Typer(help="API keys, kept only as a hash.", no_args_is_help=True)


@workspace.command("create")
def create(name: str, as_json: Json = False) -> None:
    """Create a workspace; prints its id and an admin's API key, this once."""
    with service() as built:
        id_, made = create_workspace(built, name)
        show({"id": str(id_), "api_key": made.secret}, as_json)


@workspace.command("list")
def list_(as_json: Json = False) -> None:
    """List the workspaces."""
    with service() as built:
        rows = [{"id": str(id_), "name": name} for id_, name in list_workspaces(built)]
        show_all(rows, as_json)


@workspace.command("return-url")
def add_return_url(
    workspace_id: Annotated[str, typer.Argument(metavar="WORKSPACE")], url: str
) -> None:
    """Let browsers return to an address of the CRM, compared letter by letter."""
    with service() as built:
        id_ = row(workspace_id)
        kept = put_return_urls(built, id_, (*return_urls(built, id_), url))
        for one in kept:
            typer.echo(one)


@key.command("create")
def create_key(
    workspace_id: Annotated[str, typer.Argument(metavar="WORKSPACE")],
    scope: Annotated[Right, typer.Option(help="What the key may do.")],
    as_json: Json = False,
) -> None:
    """Make an API key; printed this once."""
    with service() as built:
        made = make_key(built, row(workspace_id), scope)
        show({"id": str(made.id), "api_key": made.secret}, as_json)


@key.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(metavar="KEY")]) -> None:
    """Revoke an API key at once."""
    with service() as built:
        if not revoke_key(built, row(key_id)):
            fail("no such key, or it was revoked before")
        typer.echo("revoked")


def login(
    within: In = None,
    as_json: Json = False,
) -> None:
    """Print a one-time sign-in link for the console."""
    with service() as built:
        if within is not None:
            chosen = row(within)
        else:
            held = [id_ for id_, _ in list_workspaces(built)]
            if len(held) != 1:
                fail(f"there are {len(held)} workspaces: name one with --in", 2)
            chosen = held[0]
        show({"link": make_link(built, chosen)}, as_json)
