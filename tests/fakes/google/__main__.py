"""Runs the stand-in by itself: `python -m tests.fakes.google --port N --mail DIR`."""

from __future__ import annotations

from tests.fakes.common import running
from tests.fakes.google import Google


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = running.parser_of("tests.fakes.google", __doc__)
    parser.add_argument("--push", help="where Pub/Sub pushes go")
    parser.add_argument(
        "--boxes-ticked", action="store_true", help="offer the scopes ticked on the consent page"
    )
    given = running.read(parser)
    with Google(
        given.port,
        certificate=given.tls_cert,
        key=given.tls_key,
        redirect_uris=given.redirect,
        state=given.state,
    ) as google:
        google.settings.push_url = given.push
        google.settings.boxes_ticked = given.boxes_ticked
        running.run(google, given)


if __name__ == "__main__":
    main()
