"""What a person gives us to reach an IMAP mailbox, and how much of it we take at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol


class Security(StrEnum):
    """How the connection is protected. Plain is refused but for hosts allowed by setting."""

    TLS = "tls"
    STARTTLS = "starttls"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Password:
    """A password, or an app password."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An OAuth access token; XOAUTH2 or OAUTHBEARER, whichever the server offers."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """An IMAP mailbox and the credentials for it."""

    host: str
    port: int
    security: Security
    username: str = field(repr=False)
    auth: Password | AccessToken


class DayBudget(Protocol):
    """The bytes that may be fetched of a mailbox on one day, over all workers (F25)."""

    def check(self) -> None:
        """Let past mail be fetched.

        Raises:
            Paced: The day's bytes are used up.
        """
        ...

    def spend(self, octets: int) -> None:
        """Count bytes that were fetched."""
        ...


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much is asked for at a time, and how long is waited for it.

    `in_flight_bytes` is what may have been asked for and not yet read, `message_bytes` the
    largest mail fetched at all, `header_bytes` what is kept of a mail's address headers,
    `window` the number of messages on a page. `read_timeout` is the longest silence;
    `command_timeout` the longest wait for one command, with a second more for each kilobyte.
    """

    in_flight_bytes: int = 8 * 2**20
    message_bytes: int = 64 * 2**20
    header_bytes: int = 128 * 2**10
    line_bytes: int = 16 * 2**20
    window: int = 500
    connect_timeout: timedelta = timedelta(seconds=15)
    read_timeout: timedelta = timedelta(seconds=120)
    command_timeout: timedelta = timedelta(minutes=10)
