"""Getting in, on IMAPClient: connection, TLS, credentials; nothing secret is said in clear."""

from __future__ import annotations

import imaplib
import logging
import re

from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from connectors.egress import Egress, Route
from connectors.errors import ConnectorError, GrantRevoked, HostNotAllowed, Misbehaved
from connectors.imap.account import AccessToken, FetchLimits, ImapAccount, Security
from connectors.imap.grammar import quoted
from connectors.imap.refusals import During, Refused, reaction
from connectors.imap.wire import Wire

# It writes whole mails to its log at DEBUG.
logging.getLogger("imapclient").setLevel(logging.WARNING)

_REFUSAL = re.compile(rb"\S+ (NO|BAD|BYE)\b *(.*)\r\n", re.IGNORECASE | re.DOTALL)
_BARE_STATUS = re.compile(rb"(\S+ (?:OK|NO|BAD))\r\n\Z")


class _Line(imaplib.IMAP4):
    """imaplib over our own wire, by the methods it documents for overriding."""

    def __init__(self, wire: Wire, heard: list[Refused]) -> None:
        self.wire, self.heard = wire, heard
        super().__init__()

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        del timeout  # The wire has its own.
        self.host, self.port, self.sock = host, port, self.wire.socket

    def read(self, size: int) -> bytes:
        if size > 2**16:
            raise Misbehaved("a literal beyond all bounds")
        return self.wire.exactly(size)

    def readline(self) -> bytes:
        line = self.wire.line()
        if refusal := _REFUSAL.match(line):
            self.heard.append(Refused(refusal[1], refusal[2]))
        # imaplib wants a text after the status, servers sometimes leave it out.
        return _BARE_STATUS.sub(rb"\1 \r\n", line)

    def send(self, data: bytes) -> None:  # type: ignore[override]  # only bytes are ever sent
        self.wire.write_later(data)
        self.wire.flush_writes()

    def shutdown(self) -> None:
        self.wire.close()

    def _get_capabilities(self) -> None:
        # Announced in the greeting: asking again would cost a round trip.
        announced = self.untagged_responses.pop("CAPABILITY", None)
        if announced and isinstance(announced[-1], bytes):
            self.capabilities = tuple(announced[-1].decode("ascii", "replace").upper().split())
        else:
            super()._get_capabilities()  # type: ignore[misc]  # not in typeshed


class Client(IMAPClient):  # type: ignore[misc]  # IMAPClient is untyped
    """IMAPClient over a connection that the egress opened."""

    def __init__(self, wire: Wire, host: str, heard: list[Refused]) -> None:
        self._wire, self._heard = wire, heard
        super().__init__(host, ssl=False)
        self._imap.debug = 0
        self.normalise_times = False

    def _create_IMAP4(self) -> _Line:  # noqa: N802  # the name that IMAPClient calls
        return _Line(self._wire, self._heard)

    def _set_read_timeout(self) -> None:
        pass

    def begin_tls(self, egress: Egress, host: str) -> None:
        """Change to TLS; whatever was said or sent before is forgotten.

        Raises:
            Misbehaved: The server is logged in already, or sent more than its answer.
        """
        status, _ = self._imap.xatom("STARTTLS")
        if status != "OK":
            raise Misbehaved("STARTTLS refused")
        # What follows the answer in clear was put there by somebody in between (CVE-2011-0411).
        if self._wire.leftovers():
            raise Misbehaved("bytes in clear after STARTTLS")
        self._wire.replace(egress.secure(self._wire.socket, host))
        self._imap.sock = self._wire.socket
        self._imap.untagged_responses = {}
        self._imap.capabilities = ()
        self._starttls_done = True

    @property
    def is_preauthenticated(self) -> bool:
        """Whether the greeting said that somebody is logged in already."""
        return bool(self._imap.state != "NONAUTH")

    def forget_capabilities(self) -> None:
        """Believe no earlier list: TLS and login change what a server offers (RFC 9051 6.2.3)."""
        self._imap.untagged_responses.pop("CAPABILITY", None)
        self._cached_capabilities = None


def log_in(
    account: ImapAccount, egress: Egress, limits: FetchLimits
) -> tuple[Wire, frozenset[bytes]]:
    """Connect and log in; return the wire and what the server offers now.

    Raises:
        HostNotAllowed, Unreachable, CertificateRefused: Before anything secret was sent.
        GrantRevoked, Throttled, Misbehaved: As the server answered.
    """
    route = egress.route(account.host, account.port)
    if account.security is Security.PLAIN and not route.by_setting:
        raise HostNotAllowed("a connection in clear is allowed to hosts named in the settings only")
    wire = _connect(account, egress, limits, route)
    during = During.GREETING
    heard: list[Refused] = []
    try:
        client = Client(wire, route.host, heard)
        if account.security is Security.STARTTLS:
            # PREAUTH leaves no moment for STARTTLS: it is how an attacker avoids it.
            if client.is_preauthenticated:
                raise Misbehaved("logged in before TLS")
            client.begin_tls(egress, route.host)
        during = During.LOGIN
        if not client.is_preauthenticated:
            _authenticate(client, account)
        return wire, frozenset(client.capabilities())
    except ConnectorError:
        wire.close()
        raise
    except imaplib.IMAP4.error:
        wire.close()
        raise _reason(heard, during) from None
    except (ValueError, TypeError, KeyError, IndexError, AssertionError) as error:
        wire.close()
        raise Misbehaved(f"not IMAP ({type(error).__name__})") from None


def _connect(account: ImapAccount, egress: Egress, limits: FetchLimits, route: Route) -> Wire:
    connection = egress.connect(route, limits.connect_timeout)
    if account.security is Security.TLS:
        connection = egress.secure(connection, route.host)
    return Wire(connection, limits)


def _authenticate(client: Client, account: ImapAccount) -> None:
    offered = frozenset(client.capabilities())
    client.forget_capabilities()
    if isinstance(account.auth, AccessToken):
        _authenticate_by_token(client, account.username, account.auth.secret, offered)
        return
    name, password = _checked(account.username), _checked(account.auth.secret)
    if (name + password).isascii() and b"LOGINDISABLED" not in offered:
        # imaplib quotes the password but not the name.
        client.login(quoted(name.encode()).decode(), password)
    elif b"AUTH=PLAIN" in offered:
        client.sasl_login("PLAIN", lambda _: f"\0{name}\0{password}".encode())
    else:
        raise Misbehaved("the server offers no login by password")


def _authenticate_by_token(
    client: Client, username: str, token: str, offered: frozenset[bytes]
) -> None:
    name, secret = _checked(username), _checked(token)
    if b"AUTH=OAUTHBEARER" in offered and b"AUTH=XOAUTH2" not in offered:
        mechanism = "OAUTHBEARER"
        said = f"n,a={name.replace('=', '=3D').replace(',', '=2C')},\1auth=Bearer {secret}\1\1"
    else:
        mechanism = "XOAUTH2"
        said = f"user={name}\1auth=Bearer {secret}\1\1"
    challenges: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        # A second challenge is the reason of the refusal, as JSON (RFC 7628 3.2.2); an empty
        # answer lets the server end the exchange.
        challenges.append(challenge)
        return (
            said.encode() if len(challenges) == 1 else b"\1" if mechanism == "OAUTHBEARER" else b""
        )

    try:
        client.sasl_login(mechanism, answer)
    except LoginError:
        if len(challenges) > 1:
            raise GrantRevoked("access token refused") from None
        raise


def _checked(text: str) -> str:
    """Refuse what would become another command or another field."""
    if any(character in text for character in "\r\n\0\1"):
        raise GrantRevoked("a control character in the credentials")
    return text


def _reason(heard: list[Refused], during: During) -> ConnectorError:
    """Say what the server meant, from what it said rather than from imaplib's exceptions."""
    goodbyes = [refused for refused in heard if refused.status == b"BYE"]
    if heard:
        return reaction((goodbyes or heard)[-1], during)
    return Misbehaved("not IMAP")
