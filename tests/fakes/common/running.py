"""Runs a stand-in by itself, from a command line, until it is told to end."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.fakes.common.loading import per_account

HERE = "http://{}:8000/oauth/callback"


class Loaded(Protocol):
    """A person who can be given mail."""

    def load(self, path: Path, /) -> object:
        """Hold the mails of a maildir, an mbox or a directory."""
        ...


class Runs(Protocol):
    """A stand-in, as far as it is run."""

    @property
    def url(self) -> str:
        """Where it is served."""
        ...

    def environment(self) -> Mapping[str, str]:
        """Return the settings that name it."""
        ...

    def accounts(self) -> list[str]:
        """Return the addresses of all accounts."""
        ...

    def add_account(self, address: str, /) -> Loaded:
        """Make an account."""
        ...

    def keep(self) -> None:
        """Write what must survive a restart."""
        ...


def parser_of(program: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the arguments that every stand-in takes."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--port", type=int, default=0, help="any free one when it is not given")
    parser.add_argument(
        "--mail",
        type=Path,
        help="a maildir, an mbox, or a directory with one for each account, named by its address",
    )
    parser.add_argument("--account", action="append", default=[], help="an address; repeatable")
    parser.add_argument("--redirect", action="append", help="a redirect URI; repeatable")
    parser.add_argument(
        "--state", type=Path, help="a file that keeps grants, mail and keys for the next run"
    )
    parser.add_argument("--tls-cert", type=Path, help="a certificate for localhost (PEM)")
    parser.add_argument("--tls-key", type=Path, help="its key (PEM)")
    parser.add_argument(
        "--settings", action="store_true", help="only print the settings that name it"
    )
    return parser


def read(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the arguments; redirect URIs default to where `leadmail up` serves."""
    given = parser.parse_args()
    if bool(given.tls_cert) != bool(given.tls_key):
        parser.error("--tls-cert and --tls-key go together")
    given.redirect = given.redirect or [HERE.format(host) for host in ("127.0.0.1", "localhost")]
    return given


def run(stand_in: Runs, given: argparse.Namespace) -> None:
    """Say where it is and what names it, and serve until SIGTERM or SIGINT."""
    if given.settings:
        _print_settings(stand_in)
        return
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    _add_accounts(stand_in, given.account, given.mail)
    stand_in.keep()
    print(f"ready: {stand_in.url}", flush=True)
    _print_settings(stand_in)
    ended.wait()


def _print_settings(stand_in: Runs) -> None:
    for name, value in stand_in.environment().items():
        print(f"{name}={value}", flush=True)


def _add_accounts(stand_in: Runs, addresses: list[str], mail: Path | None) -> None:
    own = per_account(mail) if mail and mail.is_dir() else {}
    wanted = dict.fromkeys([*addresses, *own]) or ["anna@stand-in.example"]
    # An account that was kept has its mail as its person left it.
    for address in [each for each in wanted if each not in stand_in.accounts()]:
        person = stand_in.add_account(address)
        if path := own.get(address) or (mail if not own else None):
            person.load(path)
