"""Puts the demo on stage: a workspace, its leads, a mailbox, all through the public ways in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from worker.demo.api import Api, Refused
from worker.demo.people import COLLEAGUES, LEADS, USER, DemoLead
from worker.demo.roles import played
from worker.demo.server import HOST, DemoServer
from worker.up.home import write_secretly

PATIENCE = timedelta(minutes=3)
PAUSE_SECONDS = 0.2
QUIET_SECONDS = 1.5
STUCK = {"failing", "reauthorize", "paused"}


class NotLoaded(Exception):
    """The demo can't be shown; the text says why."""


def load(home: Path, url: str) -> str:
    """Make the demo, or find it made, wait until it is synced; return what to say.

    Safe to repeat: leads are replaced by themselves, a mailbox is connected once.

    Raises:
        NotLoaded: It didn't become live.
        Refused, OSError: The service refused it or can't be reached.
    """
    server = DemoServer.at(home / "demo")
    workspace = made_workspace(home / "demo")
    api = Api(url, workspace["api_key"])
    api.call("PUT", "/v1/leads", {"items": [described(lead) for lead in LEADS]})
    mailbox = api.call("POST", "/v1/mailboxes", described_mailbox(server))
    mailbox = wait_until_live(api, mailbox["id"])
    link = leadmail("login", "--in", workspace["id"])["link"]
    stored = mailbox["progress"]["stored"]
    return "\n".join(
        (
            f"demo:    {stored} mails of {USER.address} concern one of {len(LEADS)} leads,",
            "         and are taken in; no other was read or kept",
            "         a new mail comes with: .venv/bin/leadmail demo deliver",
            *connect_lines(api, url, home),
            f"API:     {url}  key {workspace['api_key']}",
            f"console: {link}  (a sign-in link, good once)",
        )
    )


def connect_lines(api: Api, url: str, home: Path) -> list[str]:
    """Return what to say of connecting the colleagues' mailboxes at the stand-ins, if any runs."""
    roles = list(played(home, os.environ))
    mailboxes = api.call("GET", "/v1/mailboxes?limit=100")["items"]
    connected = {mailbox["address"] for mailbox in mailboxes}
    others = [colleague for colleague in COLLEAGUES if colleague.address not in connected]
    if not roles or not others:
        return []
    back = f"{url}/"
    api.call("PUT", "/v1/integration", {"return_urls": [back]})
    lines: list[str] = []
    for colleague in others:
        wish = {"user": colleague.user, "return_url": back, "address": colleague.address}
        page = api.call("POST", "/v1/connect", wish)["connect_url"]
        lines.append(f"{'         ' if lines else 'connect: '}{page}  (for {colleague.name})")
    for role in roles:
        note = f"; {role.note}" if role.note else ""
        lines.append(f"         a stand-in plays {role.name}{note}")
    return lines


def made_workspace(directory: Path) -> dict[str, Any]:
    """Return the demo's workspace and its key; they are kept for the next run."""
    kept = directory / "workspace.json"
    if not kept.exists():
        write_secretly(kept, json.dumps(leadmail("workspace", "create", "demo")))
    workspace: dict[str, Any] = json.loads(kept.read_text())
    return workspace


def described(lead: DemoLead) -> dict[str, Any]:
    """Return a lead as the API takes it."""
    addresses = [person.address for person in lead.people]
    domains = list(lead.domains)
    return {"id": lead.id, "name": lead.company, "addresses": addresses, "domains": domains}


def described_mailbox(server: DemoServer) -> dict[str, Any]:
    """Return the mailbox as the API takes it."""
    return {
        "provider": "imap",
        "user": "ada",
        "address": USER.address,
        "host": HOST,
        "port": server.port,
        "security": "plain",
        "username": USER.address,
        "password": server.password,
    }


def wait_until_live(api: Api, mailbox_id: str) -> dict[str, Any]:
    """Return the mailbox once its past is taken in: live, and nothing new for a while.

    Raises:
        NotLoaded: It has a problem, or it takes too long.
    """
    deadline = time.monotonic() + PATIENCE.total_seconds()
    stored, since = -1, time.monotonic()
    while True:
        mailbox = api.call("GET", f"/v1/mailboxes/{mailbox_id}")
        now = time.monotonic()
        if mailbox["progress"]["stored"] != stored:
            stored, since = mailbox["progress"]["stored"], now
        covered = mailbox["state"] == "live" and mailbox["last_synced_at"] is not None
        if covered and now - since > QUIET_SECONDS:
            return mailbox
        if mailbox["state"] in STUCK:
            problem = mailbox["problem"] or {}
            raise NotLoaded(f"the demo's mailbox is {mailbox['state']}: {problem.get('message')}")
        if now > deadline:
            raise NotLoaded(f"the demo's mailbox is still {mailbox['state']}, {stored} mails in")
        time.sleep(PAUSE_SECONDS)


def leadmail(*arguments: str) -> dict[str, Any]:
    """Return what a command prints as JSON, run as an operator runs it.

    Raises:
        NotLoaded: The command failed.
    """
    program = Path(sys.executable).with_name("leadmail")
    done = subprocess.run(
        [program, *arguments, "--json"], capture_output=True, check=False, timeout=60
    )
    if done.returncode:
        raise NotLoaded(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def main() -> int:
    """Load the demo of the directory and the address that the environment names."""
    home, url = Path(os.environ["LEADMAIL_DATA"]), os.environ["LEADMAIL_PUBLIC_URL"]
    try:
        said = load(home, url)
    except (NotLoaded, Refused, OSError) as error:
        sys.stdout.write(f"demo: {error}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0
