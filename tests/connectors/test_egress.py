"""The guard for hosts that people type: what may be reached, whatever form it is written in."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from datetime import timedelta

import pytest

from connectors.egress import AllowList, Egress, canonical_host, is_public
from connectors.errors import CertificateRefused, HostNotAllowed, Unreachable
from tests.servers.authority import make_authority
from tests.servers.scripted import Scripted

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:7f00:1::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:0808:0808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2a00:1450:4001::5efe:127.0.0.1",
        "2a00:1450:4001::200:5efe:10.0.0.1",
    ],
)
def test_no_inner_address_is_public_in_any_form(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "142.250.1.109", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2a00:1450:4001:81b::200e"],
)
def test_addresses_of_the_open_internet_are_public(address):
    assert is_public(ipaddress.ip_address(address))


def answering(monkeypatch, *addresses: str) -> None:
    """Let the resolver of this machine answer so; what is ours stays real."""

    def getaddrinfo(host, port, *_, **__):
        return [
            (
                socket.AF_INET6 if ":" in each else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (each, port, 0, 0) if ":" in each else (each, port),
            )
            for each in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_every_answer_is_checked_not_only_the_first(monkeypatch):
    answering(monkeypatch, "8.8.8.8", "127.0.0.1")

    with pytest.raises(HostNotAllowed):
        Egress().route("mail.example.com", 993)


def test_a_name_with_public_addresses_only_is_allowed(monkeypatch):
    answering(monkeypatch, "8.8.8.8", "2a00:1450:4001:81b::200e")

    route = Egress().route("Mail.Example.COM.", 993)

    assert "mail.example.com" == route.host
    assert ("8.8.8.8", "2a00:1450:4001:81b::200e") == route.addresses
    assert not route.by_setting


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost"])
def test_loopback_is_found_behind_every_spelling_of_it(host):
    with pytest.raises((HostNotAllowed, Unreachable)):
        Egress().route(host, 993)


@pytest.mark.parametrize("port", [0, 22, 25, 80, 143 + 65536, 6379, 5432, 994])
def test_only_mail_ports_are_reached(monkeypatch, port):
    answering(monkeypatch, "8.8.8.8")

    with pytest.raises(HostNotAllowed):
        Egress().route("mail.example.com", port)


@pytest.mark.parametrize(
    "host",
    ["", " ", "a b", "a/b", "http://a", "user@host", "a\r\nb", "a\0b", "x" * 300, "fe80::1%eth0"],
)
def test_what_is_no_host_name_is_refused(host):
    with pytest.raises(HostNotAllowed):
        canonical_host(host)


def test_a_name_beyond_ascii_is_asked_for_in_its_ascii_form():
    assert "imap.xn--mller-kva.example" == canonical_host("imap.Müller.example")


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("localhost", "localhost", 1143, True),
        ("LOCALHOST.", "localhost", 1143, True),
        ("localhost:1143", "localhost", 1143, True),
        ("localhost:1143", "localhost", 1144, False),
        ("127.0.0.1", "127.0.0.1", 1143, True),
        ("127.0.0.0/8", "127.0.0.1", 1143, True),
        ("127.0.0.0/8", "localhost", 1143, True),
        ("10.0.0.0/8", "127.0.0.1", 1143, False),
        ("other.example", "127.0.0.1", 1143, False),
        ("127.0.0.1:993", "127.0.0.1", 1143, False),
    ],
)
def test_the_operator_allows_hosts_ports_and_networks(monkeypatch, entry, host, port, allowed):
    answering(monkeypatch, "127.0.0.1")
    egress = Egress(allowed=[entry])

    if allowed:
        assert egress.route(host, port).by_setting
    else:
        with pytest.raises(HostNotAllowed):
            egress.route(host, port)


@pytest.mark.parametrize("entry", ["a b", "host:0", "host:99999", "http://host", "a,b"])
def test_a_setting_that_means_nothing_is_refused(entry):
    with pytest.raises(ValueError, match="not a host"):
        AllowList.of([entry])


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    released = threading.Event()

    def hang(*_, **__):
        released.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    egress = Egress(resolve_timeout=timedelta(milliseconds=50))
    started = time.monotonic()

    with pytest.raises(Unreachable):
        egress.route("mail.example.com", 993)

    released.set()
    assert time.monotonic() - started < 5


def test_every_contact_is_told_before_it_is_made():
    contacts: list[tuple[str, str, int]] = []
    with Scripted() as server:
        egress = Egress(["localhost"], on_contact=lambda *contact: contacts.append(contact))

        egress.connect(egress.route("localhost", server.port), SECOND).close()

    assert ("localhost", "127.0.0.1", server.port) in contacts


def test_nobody_listening_is_unreachable(free_port):
    egress = Egress(["127.0.0.1"])

    with pytest.raises(Unreachable):
        egress.connect(egress.route("127.0.0.1", free_port), SECOND)


@pytest.mark.parametrize("fault", ["unknown authority", "wrong name", "expired"])
def test_a_certificate_that_cannot_be_verified_is_refused(tmp_path, fault):
    names = ("other.example",) if fault == "wrong name" else ("localhost",)
    lasts = timedelta(days=-1) if fault == "expired" else timedelta(days=1)
    authority = make_authority(tmp_path, names, lasts)
    ca_file = None if fault == "unknown authority" else str(authority.ca_file)
    egress = Egress(["localhost"], ca_file=ca_file)
    with Scripted(authority=authority, tls=True) as server:
        route = egress.route("localhost", server.port)
        connection = egress.connect(route, SECOND)

        with pytest.raises(CertificateRefused):
            egress.secure(connection, route.host)

        assert -1 == connection.fileno()


def test_a_certificate_of_the_operators_authority_is_accepted(tmp_path):
    authority = make_authority(tmp_path)
    egress = Egress(["localhost"], ca_file=str(authority.ca_file))
    with Scripted(authority=authority, tls=True) as server:
        connection = egress.connect(egress.route("localhost", server.port), SECOND)

        with egress.secure(connection, "localhost") as secured:
            assert secured.version() in ("TLSv1.2", "TLSv1.3")
    assert ssl.TLSVersion.TLSv1_2 == egress.context.minimum_version


def test_a_server_without_tls_is_unreachable():
    egress = Egress(["localhost"])
    with Scripted() as server:
        connection = egress.connect(egress.route("localhost", server.port), SECOND)

        with pytest.raises(Unreachable):
            egress.secure(connection, "localhost")
