"""The command line `leadmail`: what an operator does, and how the processes start."""

from __future__ import annotations

import typer

from worker.commands import demo, doctor, erasures, mailboxes, processes, up, workspaces

app = typer.Typer(
    name="leadmail",
    help="Brings the mail to and from a CRM's leads into the CRM, and takes it out, provably.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("up")(up.up)
app.command("migrate")(processes.migrate)
app.command("watch")(processes.watch)
app.command("clock")(processes.clock)
app.add_typer(workspaces.workspace, name="workspace")
app.add_typer(workspaces.key, name="key")
app.command("login")(workspaces.login)
app.add_typer(mailboxes.app, name="mailbox")
app.command("erase")(erasures.erase)
app.add_typer(erasures.certificate, name="certificate")
app.add_typer(demo.app, name="demo")
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line."""
    app()
