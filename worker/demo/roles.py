"""The providers that stand-ins play in the demo, and which of them are played just now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Role:
    """A provider to be played; `note` is what a person must know who isn't used to its stand-in."""

    name: str
    module: str
    client: str
    """The setting that names us to the real provider; with it, nobody plays."""
    api: str
    """The setting that says where its API is."""
    options: tuple[str, ...] = ()
    push: str = ""
    """Where its notices go, below our address; '' when it sends none to plain HTTP."""
    note: str = ""


ROLES = (
    Role(
        "Google",
        "tests.fakes.google",
        "GOOGLE_CLIENT_ID",
        "GMAIL_API_URL",
        options=("--boxes-ticked",),
        push="/hooks/gmail",
    ),
    Role(
        "Microsoft",
        "tests.fakes.microsoft",
        "MICROSOFT_CLIENT_ID",
        "GRAPH_API_URL",
        note="the browser doesn't know its certificate; let it go on",
    ),
)


def played(home: Path, environment: Mapping[str, str]) -> Iterator[Role]:
    """Yield the roles that are played in the environment of a running service."""
    for role in ROLES:
        port_file = home / role.name.lower() / "port"
        if port_file.exists():
            api = environment.get(role.api, "")
            if api.endswith(f":{port_file.read_text()}"):
                yield role
