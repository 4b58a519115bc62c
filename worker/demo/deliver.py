"""A new mail for the demo's mailbox, so that one sees it come."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from worker.demo.mails import new_mail
from worker.demo.people import LEADS
from worker.demo.server import DemoServer
from worker.embedded.child import NotStarted


def deliver(
    home: Path, lead_id: str | None = None, subject: str | None = None, text: str | None = None
) -> str:
    """Deliver a mail of a lead, the first if none is named; return who wrote it.

    Raises:
        NotStarted: `up --demo` doesn't run on this directory, or has no such lead.
    """
    if not (home / "demo" / "port").exists():
        raise NotStarted(f"{home} holds no demo: start `leadmail up --demo` first")
    server = DemoServer.at(home / "demo")
    if not server.listens:
        raise NotStarted("the demo's mail server doesn't run: start `leadmail up --demo` first")
    for lead in LEADS:
        if lead_id in (None, lead.id):
            server.deliver(new_mail(lead, datetime.now(UTC), subject, text))
            return f"{lead.people[0].name} <{lead.people[0].address}>"
    raise NotStarted(f"the demo has no lead {lead_id!r}")
