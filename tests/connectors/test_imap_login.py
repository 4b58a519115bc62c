"""Getting in: nothing secret in clear, nobody in between, and the right reason when refused."""

from __future__ import annotations

import base64
import time

import pytest

from connectors.egress import Egress
from connectors.errors import (
    CertificateRefused,
    ConnectorError,
    GrantRevoked,
    HostNotAllowed,
    Misbehaved,
    Unreachable,
)
from connectors.imap import AccessToken, FetchLimits, ImapAccount, ImapConnector, Password, Security
from tests.servers.hands import PASSWORD
from tests.servers.scripted import Conversation, Scripted

GREETING = b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n"


def secrets_heard(server: Scripted) -> list[bytes]:
    return [line for line in server.heard if b"LOGIN" in line or b"AUTHENTICATE" in line]


@pytest.mark.parametrize("security", list(Security))
def test_a_password_opens_a_mailbox(dovecot, connect, security):
    dovecot.user("login1")
    port = dovecot.tls_port if security is Security.TLS else dovecot.port

    connector = connect(
        port, security, Password(PASSWORD), "login1", FetchLimits(), dovecot.ca_file
    )

    assert "INBOX" == connector.folders()[0].name


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("special1", "grün & ungültig"),
        ("special2", 'a"b\\c'),
        ("special3", "{5}"),
        ("special4", "x y"),
        ("special5", "*"),
    ],
)
def test_every_password_reaches_the_server_whole(dovecot, connect, username, password):
    dovecot.user(username, password)

    connector = connect(
        dovecot.port, auth=Password(password), username=username, limits=FetchLimits()
    )

    assert connector.folders()


@pytest.mark.parametrize(
    ("auth", "reason"),
    [
        (Password("wrong"), "login refused, code AUTHENTICATIONFAILED"),
        (AccessToken("expired"), "access token refused"),
        (AccessToken("good-somebody-else"), None),
    ],
)
def test_wrong_credentials_are_the_persons_to_repair(dovecot, connect, auth, reason):
    dovecot.user("login3")

    with pytest.raises(GrantRevoked) as refused:
        connect(dovecot.port, auth=auth, username="login3", limits=FetchLimits()).folders()

    assert reason in (None, str(refused.value))


def test_a_good_token_opens_a_mailbox_by_xoauth2(dovecot, connect):
    auth = AccessToken("good-login4")

    connector = connect(dovecot.port, auth=auth, username="login4", limits=FetchLimits())

    assert connector.folders()


def test_a_good_token_opens_a_mailbox_by_oauthbearer(connect):
    said: list[bytes] = []

    def authenticate(conversation: Conversation, tag: bytes) -> None:
        conversation.send(b"+ \r\n")
        said.append(base64.b64decode(conversation.line()))
        conversation.send(tag + b" OK [CAPABILITY IMAP4rev1] in\r\n")

    greeting = b"* OK [CAPABILITY IMAP4rev1 AUTH=OAUTHBEARER] hello\r\n"
    with Scripted({b"AUTHENTICATE": authenticate}, greeting) as server:
        connect(server.port, auth=AccessToken("token"), username="a=b,c").folders()

    assert [b"n,a=a=3Db=2Cc,\x01auth=Bearer token\x01\x01"] == said


@pytest.mark.parametrize(
    ("challenge", "refusal", "expected"),
    [
        (b'{"status":"400","schemes":"Bearer"}', b"NO AUTHENTICATE failed.", GrantRevoked),
        (b'{"status":"invalid_token"}', b"NO [AUTHENTICATIONFAILED] no", GrantRevoked),
        (None, b"BAD User is authenticated but not connected.", Unreachable),
        (None, b"NO [UNAVAILABLE] later", Unreachable),
        (None, b"NO AUTHENTICATE failed.", GrantRevoked),
    ],
)
def test_a_refused_token_is_told_from_a_dead_mailbox(connect, challenge, refusal, expected):
    answers: list[bytes] = []

    def authenticate(conversation: Conversation, tag: bytes) -> None:
        conversation.send(b"+ \r\n")
        conversation.line()
        if challenge is not None:
            conversation.send(b"+ " + base64.b64encode(challenge) + b"\r\n")
            answers.append(conversation.line())
        conversation.send(tag + b" " + refusal + b"\r\n")

    greeting = b"* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] hello\r\n"
    with (
        Scripted({b"AUTHENTICATE": authenticate}, greeting) as server,
        pytest.raises(expected),
    ):
        connect(server.port, auth=AccessToken("token")).folders()

    # The token is never said a second time.
    assert set(answers) <= {b""}


def test_a_login_that_is_switched_off_is_not_tried(connect):
    greeting = b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello\r\n"
    with Scripted(greeting=greeting) as server:
        with pytest.raises(Misbehaved):
            connect(server.port).folders()

        assert [] == secrets_heard(server)


@pytest.mark.parametrize("field", ["username", "auth"])
@pytest.mark.parametrize("text", ["a\r\nX LOGOUT", "a\nb", "a\0b", "a\1b"])
def test_credentials_cannot_become_commands(connect, field, text):
    changed = {field: Password(text) if field == "auth" else text}
    with Scripted() as server:
        with pytest.raises(GrantRevoked):
            connect(server.port, **changed).folders()

        assert [] == secrets_heard(server)


def test_plain_is_for_hosts_named_in_the_settings_only(dovecot, monkeypatch):
    account = ImapAccount("127.0.0.1", dovecot.port, Security.PLAIN, "a", Password("b"))

    with pytest.raises(HostNotAllowed):
        ImapConnector(account, Egress()).folders()


# STARTTLS: the published attacks are of four kinds, buffering, negotiation, tampering, spoofing.


def tls_after(before: bytes, after: bytes = b""):
    """Answer STARTTLS with something more in clear, then go on in TLS."""

    def reply(conversation: Conversation, tag: bytes) -> None:
        conversation.send(before + tag + b" OK begin\r\n" + after)
        conversation.begin_tls()

    return reply


def test_starttls_protects_what_follows(connect, authority):
    replies = {b"STARTTLS": tls_after(b"")}
    with Scripted(replies, GREETING, authority) as server:
        assert connect(server.port, Security.STARTTLS).folders()

        heard = [line.partition(b" ")[2].partition(b" ")[0] for line in server.heard]
        assert [b"STARTTLS", b"CAPABILITY", b"LOGIN"] == heard[:3]


@pytest.mark.parametrize(
    "injected",
    [
        b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
        b"* OK [ALERT] pay here\r\n",
        b"XXXX1 OK logged in\r\n",
        b"* PREAUTH welcome\r\n",
        b"x",
    ],
)
def test_bytes_injected_before_tls_end_the_connection(connect, authority, injected):
    replies = {b"STARTTLS": tls_after(b"", injected)}
    with Scripted(replies, GREETING, authority) as server:
        with pytest.raises((Misbehaved, Unreachable)):
            connect(server.port, Security.STARTTLS).folders()

        assert [] == secrets_heard(server)


def test_bytes_injected_before_tls_in_a_packet_of_their_own_end_the_connection(connect, authority):
    def reply(conversation: Conversation, tag: bytes) -> None:
        conversation.send(tag + b" OK begin\r\n")
        time.sleep(0.1)
        conversation.send(b"* CAPABILITY IMAP4rev1\r\n")
        conversation.begin_tls()

    with Scripted({b"STARTTLS": reply}, GREETING, authority) as server:
        with pytest.raises(ConnectorError):
            connect(server.port, Security.STARTTLS).folders()

        assert [] == secrets_heard(server)


@pytest.mark.parametrize(
    "refusal",
    [
        b"{tag} NO not now\r\n",
        b"{tag} BAD unknown command\r\n",
        b"* BYE\r\n",
        b"{tag} PREAUTH x\r\n",
        b"garbage\r\n",
        b"+ go on\r\n{tag} NO x\r\n",
    ],
)
def test_without_starttls_nothing_is_said(connect, refusal):
    with Scripted({b"STARTTLS": refusal}, GREETING) as server:
        with pytest.raises(ConnectorError):
            connect(server.port, Security.STARTTLS).folders()

        assert [] == secrets_heard(server)


def test_a_server_that_hides_starttls_is_asked_for_it_all_the_same(connect, authority):
    replies = {b"STARTTLS": tls_after(b"")}
    with Scripted(replies, b"* OK [CAPABILITY IMAP4rev1] hello\r\n", authority) as server:
        assert connect(server.port, Security.STARTTLS).folders()

        assert server.heard[0].endswith(b"STARTTLS")


def test_a_session_that_is_open_before_tls_is_left(connect, authority):
    with Scripted({}, b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n", authority) as server:
        with pytest.raises(Misbehaved):
            connect(server.port, Security.STARTTLS).folders()

        assert [] == server.heard or server.heard[0].endswith(b"CAPABILITY")


def test_what_was_offered_before_tls_is_forgotten(connect, authority):
    replies = {
        b"STARTTLS": tls_after(b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED\r\n"),
        b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n",
    }
    greeting = b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hello\r\n"
    with Scripted(replies, greeting, authority) as server:
        assert connect(server.port, Security.STARTTLS).folders()

        assert any(b" LOGIN " in line for line in server.heard)


def test_what_was_offered_before_login_is_forgotten(connect):
    replies = {
        b"LOGIN": b"{tag} OK in\r\n",
        b"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n",
    }
    greeting = b"* OK [CAPABILITY IMAP4rev1 LIST-EXTENDED LIST-STATUS ESEARCH QRESYNC] hello\r\n"
    with Scripted(replies, greeting) as server:
        connect(server.port).folders()

        assert not any(b"RETURN" in line or b"ENABLE" in line for line in server.heard)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_stranger_in_between_hears_no_password(connect, authority, tmp_path, security):
    replies = {b"STARTTLS": tls_after(b"")}
    stranger = Scripted(replies, GREETING, authority, tls=security is Security.TLS)
    with stranger as server:
        account = ImapAccount("localhost", server.port, security, "anna", Password("right"))
        with pytest.raises(CertificateRefused):
            ImapConnector(account, Egress(["localhost"])).folders()

        assert [] == secrets_heard(server)


def test_a_server_in_clear_where_tls_was_asked_for_hears_nothing(connect):
    with Scripted() as server:
        with pytest.raises(Unreachable):
            connect(server.port, Security.TLS).folders()

        assert not any(b"LOGIN" in line for line in server.heard)
