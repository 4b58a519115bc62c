"""Runs the stand-in by itself: `python -m tests.fakes.microsoft --port N --mail DIR`."""

from __future__ import annotations

from tests.fakes.common import running
from tests.fakes.microsoft import Microsoft


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    given = running.read(running.parser_of("tests.fakes.microsoft", __doc__))
    with Microsoft(
        given.port,
        certificate=given.tls_cert,
        key=given.tls_key,
        redirect_uris=given.redirect,
        state=given.state,
    ) as microsoft:
        running.run(microsoft, given)


if __name__ == "__main__":
    main()
