"""Runs the stand-in by itself: `python -m tests.fakes.google --port N --mail DIR`."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from tests.fakes.common.loading import per_account
from tests.fakes.google import Google

HERE = "http://{}:8000/oauth/callback"


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    given = _arguments()
    redirects = given.redirect or [HERE.format(host) for host in ("127.0.0.1", "localhost")]
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with Google(
        given.port, certificate=given.tls_cert, key=given.tls_key, redirect_uris=redirects
    ) as google:
        google.settings.push_url = given.push
        google.settings.boxes_ticked = given.boxes_ticked
        if given.settings:
            _print_settings(google)
            return
        _add_accounts(google, given.account, given.mail)
        print(f"ready: {google.url}", flush=True)
        _print_settings(google)
        ended.wait()


def _print_settings(google: Google) -> None:
    for name, value in google.environment().items():
        print(f"{name}={value}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.google", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="any free one when it is not given")
    parser.add_argument(
        "--mail",
        type=Path,
        help="a maildir, an mbox, or a directory with one for each account, named by its address",
    )
    parser.add_argument("--account", action="append", default=[], help="an address; repeatable")
    parser.add_argument("--redirect", action="append", help="a redirect URI; repeatable")
    parser.add_argument("--push", help="where Pub/Sub pushes go")
    parser.add_argument("--tls-cert", type=Path, help="a certificate for localhost (PEM)")
    parser.add_argument("--tls-key", type=Path, help="its key (PEM)")
    parser.add_argument(
        "--boxes-ticked", action="store_true", help="offer the scopes ticked on the consent page"
    )
    parser.add_argument(
        "--settings", action="store_true", help="only print the settings that name it"
    )
    given = parser.parse_args()
    if bool(given.tls_cert) != bool(given.tls_key):
        parser.error("--tls-cert and --tls-key go together")
    return given


def _add_accounts(google: Google, addresses: list[str], mail: Path | None) -> None:
    own = per_account(mail) if mail and mail.is_dir() else {}
    for address in dict.fromkeys([*addresses, *own]) or ["anna@stand-in.example"]:
        person = google.add_account(address)
        if path := own.get(address) or (mail if not own else None):
            person.load(path)


if __name__ == "__main__":
    main()
