"""The one way out to a mail host: what may be reached is decided here, and kept as evidence."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from time import monotonic

from connectors.errors import CertificateRefused, HostNotAllowed, Unreachable

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network
OnContact = Callable[[str, str, int], None]
"""Told host, address and port of every connection before its first packet leaves."""

MAIL_PORTS = frozenset({143, 993})

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")

# `ipaddress.is_global` differs between Python's releases and calls NAT64 and 6to4 forms
# of 127.0.0.1 global, so what is special is listed here (IANA registries, RFC 6890).
_SPECIAL: tuple[IPNetwork, ...] = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)*[a-z0-9_][a-z0-9_-]{0,62}")


def is_public(address: IPAddress) -> bool:
    """Say whether the address belongs to the open internet, whatever form it is written in.

    Forms that carry an IPv4 address (mapped, NAT64) are judged by it; 6to4 and Teredo are
    refused altogether, for no mail host lives there.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address not in _GLOBAL_UNICAST:
            return False
        # ISATAP hides an IPv4 address in the interface id (RFC 5214 6.1).
        if (int(address) >> 32) & 0xFDFFFFFF == 0x5EFE:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return not any(address.version == block.version and address in block for block in _SPECIAL)


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts that the operator allows although they are private or on other ports.

    `hosts` holds (name, port), `networks` (network, port); port 0 means every port.
    """

    hosts: frozenset[tuple[str, int]] = frozenset()
    networks: frozenset[tuple[IPNetwork, int]] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> AllowList:
        """Read entries of the forms `host`, `host:port`, `address`, `[address]:port`, `cidr`.

        Raises:
            ValueError: An entry has none of these forms.
        """
        hosts: set[tuple[str, int]] = set()
        networks: set[tuple[IPNetwork, int]] = set()
        for entry in (text.strip() for text in entries):
            if not entry:
                continue
            name, port = _split_port(entry)
            try:
                networks.add((ipaddress.ip_network(name, strict=False), port))
            except ValueError:
                name = name.lower().rstrip(".")
                if not _NAME.fullmatch(name):
                    raise ValueError(f"not a host, host:port or network: {entry!r}") from None
                hosts.add((name, port))
        return cls(frozenset(hosts), frozenset(networks))

    def holds(self, host: str, address: IPAddress, port: int) -> bool:
        """Say whether this address, reached under this name and port, is allowed."""
        if (host, 0) in self.hosts or (host, port) in self.hosts:
            return True
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return any(
            allowed_port in (0, port) and form.version == network.version and form in network
            for network, allowed_port in self.networks
            for form in (address, mapped)
            if form is not None
        )


def _split_port(entry: str) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d{1,5}))?", entry)
    if bracketed:
        return bracketed[1], int(bracketed[2] or 0)
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"not a host, host:port or network: {entry!r}")
        return name, int(port)
    return entry, 0


@dataclass(frozen=True, slots=True)
class Route:
    """Where a host may be reached, all checked; `by_setting`: the operator named every one."""

    host: str
    port: int
    addresses: tuple[str, ...]
    by_setting: bool


class Egress:
    """Opens connections to hosts that people typed, to checked addresses only."""

    def __init__(
        self,
        allowed: Iterable[str] = (),
        ca_file: str | None = None,
        on_contact: OnContact | None = None,
        resolve_timeout: timedelta = timedelta(seconds=10),
        ports: Collection[int] = MAIL_PORTS,
    ) -> None:
        """`ports` are open at any public host; with none only what is allowed is reached."""
        self._allowed = AllowList.of(allowed)
        self._ca_file = ca_file
        self._on_contact = on_contact
        self._resolve_timeout = resolve_timeout
        self._ports = ports
        self._context: ssl.SSLContext | None = None

    def route(self, host: str, port: int) -> Route:
        """Resolve the host once and check every answer.

        Raises:
            HostNotAllowed: The name, its port or any one of its addresses is refused.
            Unreachable: The name doesn't resolve now.
        """
        name = canonical_host(host)
        addresses = self._resolve(name, port)
        by_setting = all(self._allowed.holds(name, address, port) for address in addresses)
        for address in addresses:
            if self._allowed.holds(name, address, port):
                continue
            if port not in self._ports:
                raise HostNotAllowed(f"port {port} is not open here")
            if not is_public(address):
                raise HostNotAllowed("the host has an address that may not be reached")
        return Route(name, port, tuple(str(address) for address in addresses), by_setting)

    def connect(self, route: Route, timeout: timedelta) -> socket.socket:
        """Connect to the first address that answers; `timeout` is for all of them together.

        Raises:
            Unreachable: None of them answered.
        """
        ends = monotonic() + timeout.total_seconds()
        for address in route.addresses:
            left = ends - monotonic()
            if left <= 0:
                break
            if self._on_contact is not None:
                self._on_contact(route.host, address, route.port)
            try:
                connection = socket.create_connection((address, route.port), timeout=left)
            except OSError:
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return connection
        raise Unreachable("no connection")

    def secure(self, connection: socket.socket, host: str) -> ssl.SSLSocket:
        """Speak TLS over the connection; the certificate must be valid for the typed host.

        Raises:
            CertificateRefused: It isn't.
            Unreachable: There is no TLS to be had.
        """
        try:
            return self.context.wrap_socket(connection, server_hostname=host)
        except ssl.SSLCertVerificationError as refused:
            connection.close()
            raise CertificateRefused(f"certificate refused, code {refused.verify_code}") from None
        except OSError:
            connection.close()
            raise Unreachable("no TLS") from None

    @property
    def context(self) -> ssl.SSLContext:
        """The TLS rules for every mail host, made once: loading the authorities is slow."""
        if self._context is None:
            context = ssl.create_default_context()
            if self._ca_file is not None:
                context.load_verify_locations(self._ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._context = context
        return self._context

    def _resolve(self, host: str, port: int) -> tuple[IPAddress, ...]:
        answers: list[IPAddress] = []

        def look_up() -> None:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                return
            for _, _, _, _, at in dict.fromkeys(found):
                answers.append(ipaddress.ip_address(str(at[0]).partition("%")[0]))

        # getaddrinfo has no timeout of its own; the thread is left behind if it hangs.
        resolver = threading.Thread(target=look_up, name="resolve", daemon=True)
        resolver.start()
        resolver.join(self._resolve_timeout.total_seconds())
        if resolver.is_alive() or not answers:
            raise Unreachable("the name does not resolve")
        return tuple(dict.fromkeys(answers))


def canonical_host(host: str) -> str:
    """Return the one spelling of a typed host name or address.

    Raises:
        HostNotAllowed: It is neither.
    """
    bare = host.strip().removeprefix("[").removesuffix("]").lower()
    try:
        return str(ipaddress.ip_address(bare)) if "%" not in bare else _refuse()
    except ValueError:
        pass
    try:
        name = bare.rstrip(".").encode("idna").decode("ascii")
    except UnicodeError:
        return _refuse()
    return name if _NAME.fullmatch(name) else _refuse()


def _refuse() -> str:
    raise HostNotAllowed("not a host name")
