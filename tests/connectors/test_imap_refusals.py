"""What servers say when they refuse, and what is to be done about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.errors import GrantRevoked, Misbehaved, Throttled, Unreachable
from connectors.imap.refusals import During, Refused, reaction

LOGIN, COMMAND, GREETING = During.LOGIN, During.COMMAND, During.GREETING


@pytest.mark.parametrize(
    ("during", "status", "text", "expected"),
    [
        (LOGIN, b"NO", b"[AUTHENTICATIONFAILED] Authentication failed.", GrantRevoked),
        (LOGIN, b"NO", b"[AUTHENTICATIONFAILED] Invalid credentials (Failure)", GrantRevoked),
        (LOGIN, b"NO", b"[AUTHORIZATIONFAILED] no", GrantRevoked),
        (LOGIN, b"NO", b"[EXPIRED] Password expired", GrantRevoked),
        (LOGIN, b"NO", b"[PRIVACYREQUIRED] use TLS", GrantRevoked),
        (LOGIN, b"NO", b"[CONTACTADMIN] locked", GrantRevoked),
        (LOGIN, b"NO", b"LOGIN failed.", GrantRevoked),
        (LOGIN, b"NO", b"[ALERT] Application-specific password required: https://x", GrantRevoked),
        (LOGIN, b"NO", b"[WEBALERT https://x] Web login required.", GrantRevoked),
        (LOGIN, b"NO", b"[UNAVAILABLE] Temporary authentication failure.", Unreachable),
        (LOGIN, b"NO", b"Temporary authentication failure", Unreachable),
        (LOGIN, b"NO", b"Server Busy. Please try again later.", Unreachable),
        (LOGIN, b"BAD", b"User is authenticated but not connected.", Unreachable),
        (LOGIN, b"BAD", b"Command unknown", Misbehaved),
        (LOGIN, b"NO", b"[INUSE] locked", Throttled),
        (LOGIN, b"NO", b"[LIMIT] too many", Throttled),
        (LOGIN, b"NO", b"[ALERT] Too many simultaneous connections. (Failure)", Throttled),
        (LOGIN, b"BYE", b"Too many connections from your IP", Throttled),
        (GREETING, b"BYE", b"[UNAVAILABLE] back soon", Unreachable),
        (GREETING, b"BYE", b"go away", Unreachable),
        (COMMAND, b"BYE", b"[UNAVAILABLE] shutting down", Unreachable),
        (COMMAND, b"BYE", b"Session expired, please login again.", Throttled),
        (COMMAND, b"BYE", b"Autologout; idle for too long", Unreachable),
        (COMMAND, b"NO", b"[OVERQUOTA] Account exceeded command or bandwidth limits.", Throttled),
        (COMMAND, b"NO", b"[LIMIT] rate", Throttled),
        (COMMAND, b"NO", b"[UNAVAILABLE] store is away", Unreachable),
        (COMMAND, b"NO", b"[SERVERBUG] internal", Unreachable),
        (COMMAND, b"NO", b"whatever", Misbehaved),
        (COMMAND, b"BAD", b"Error in IMAP command", Misbehaved),
    ],
)
def test_a_refusal_becomes_a_reaction(during, status, text, expected):
    assert expected is type(reaction(Refused(status, text), during))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (b"Request is throttled. Suggested Backoff Time: 299961 milliseconds", 299.961),
        (b"[X] REQUEST IS THROTTLED. SUGGESTED BACKOFF TIME: 5 MILLISECONDS", 0.005),
        (b"Request is throttled. Suggested Backoff Time: 9999999999 milliseconds", 86400),
    ],
)
def test_exchange_says_how_long_to_wait(text, seconds):
    meant = reaction(Refused(b"BAD", text), COMMAND)

    assert isinstance(meant, Throttled)
    assert timedelta(seconds=seconds) == meant.retry_after


def test_an_error_repeats_nothing_that_the_server_said():
    refused = Refused(b"NO", b"[AUTHENTICATIONFAILED] anna@firma.example <secret>")

    for during in During:
        assert "anna" not in str(reaction(refused, during)) + str(refused)
