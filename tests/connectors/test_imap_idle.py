"""A watch tells of changes, never waits, and knows when it is over."""

from __future__ import annotations

import select
import time

import pytest

from connectors.egress import Egress
from connectors.errors import ConnectorError, FolderGone, Misbehaved, Throttled, Unreachable
from connectors.imap import ImapAccount, Password, Security
from connectors.imap.idle import IdleWatch
from tests.connectors.conftest import IMPATIENT
from tests.contract.mails import letters
from tests.servers.hands import PASSWORD
from tests.servers.scripted import Conversation, Scripted

OFFERS = {b"LOGIN": b"{tag} OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"}


def watch_of(port: int, user: str, security: Security, ca_file: str | None = None) -> IdleWatch:
    account = ImapAccount("localhost", port, security, user, Password(PASSWORD))
    return IdleWatch(account, Egress(["localhost"], ca_file=ca_file), limits=IMPATIENT)


def changed(watch: IdleWatch, seconds: float = 5) -> bool:
    """Wait for the watch to tell of a change, as a watcher does."""
    ends = time.monotonic() + seconds
    if watch.read_ready():
        return True
    while (left := ends - time.monotonic()) > 0:
        if select.select([watch], [], [], left)[0] and watch.read_ready():
            return True
    return False


@pytest.fixture(params=["dovecot", "cyrus"])
def watched(request):
    """A watch that has begun on a real server, and the server."""
    server = request.getfixturevalue(request.param)
    user = f"idle{abs(hash(request.node.name))}"
    server.user(user)
    with server.client(user) as client:
        client.select_folder("INBOX")
    watch = watch_of(server.tls_port, user, Security.TLS, server.ca_file)
    assert watch.open()
    assert changed(watch)
    yield server, user, watch
    watch.close()


def test_mail_that_comes_is_told_at_once(watched):
    server, user, watch = watched

    server.deliver(user, letters(1, 1))

    assert changed(watch)


def test_mail_that_goes_is_told(watched):
    server, user, watch = watched
    server.deliver(user, letters(1, 1))
    assert changed(watch)

    server.delete(user, [1])

    assert changed(watch)


def test_without_change_nothing_is_told(watched):
    _, _, watch = watched

    assert not changed(watch, 1)


def test_a_renewed_watch_still_tells(watched):
    server, user, watch = watched
    first_due = watch.due_at

    watch.renew()
    assert not changed(watch, 1)
    server.deliver(user, letters(1, 1))

    assert changed(watch)
    assert first_due <= watch.due_at < time.monotonic() + 29 * 60


def test_mail_that_came_before_idle_began_is_not_overlooked(watched):
    server, user, _ = watched
    server.deliver(user, letters(1, 1))
    late = watch_of(server.tls_port, user, Security.TLS, server.ca_file)

    late.open()

    assert changed(late)
    late.close()


def test_a_server_without_idle_is_to_be_polled():
    with Scripted() as server:
        assert not watch_of(server.port, "anna", Security.PLAIN).open()


def idling(*lines: bytes, piece: int = 10_000):
    """Begin IDLE and then say these lines, cut into pieces."""

    def reply(conversation: Conversation, _: bytes) -> None:
        conversation.send(b"+ idling\r\n")
        text = b"".join(lines)
        for begin in range(0, len(text), piece):
            conversation.send(text[begin : begin + piece])
            time.sleep(0.01)

    return reply


@pytest.mark.parametrize(
    ("lines", "tells"),
    [
        (b"* 3 EXISTS\r\n", True),
        (b"* 1 EXPUNGE\r\n", True),
        (b"* VANISHED 5\r\n", True),
        (b"* OK Still here\r\n", False),
        (b"* 1 FETCH (FLAGS (\\Seen))\r\n", False),
        (b"* 1 RECENT\r\n", False),
    ],
)
@pytest.mark.parametrize("piece", [1, 5, 1000], ids=["byte by byte", "in pieces", "whole"])
def test_notices_are_told_however_they_are_cut(lines, tells, piece):
    with Scripted({**OFFERS, b"IDLE": idling(lines, piece=piece)}) as server:
        watch = watch_of(server.port, "anna", Security.PLAIN)
        watch.open()
        told_at_the_beginning = changed(watch)
        told = changed(watch, 0.7)
        watch.close()

    assert told_at_the_beginning
    # In one packet with the beginning, the notice is part of the first answer.
    assert tells == told or (tells and piece == 1000)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"* BYE shutting down\r\n", Unreachable),
        (b"* BYE Session expired, please login again.\r\n", Throttled),
        (b"x" * 100_000, Misbehaved),
        (b"I1 OK done\r\n", Misbehaved),
        (b"I1 BAD no\r\n", Misbehaved),
    ],
)
def test_the_end_of_a_watch_has_its_reason(lines, expected):
    with Scripted({**OFFERS, b"IDLE": idling(lines)}) as server:
        watch = watch_of(server.port, "anna", Security.PLAIN)
        watch.open()
        with pytest.raises(ConnectorError) as ended:
            [changed(watch, 2) for _ in range(10)]

    assert expected is ended.type


def test_a_server_that_hangs_up_ends_the_watch():
    def hang_up(conversation: Conversation, _: bytes) -> None:
        conversation.drop()

    with Scripted({**OFFERS, b"IDLE": hang_up}) as server:
        watch = watch_of(server.port, "anna", Security.PLAIN)
        watch.open()

        with pytest.raises(Unreachable):
            changed(watch)


def test_a_server_that_does_not_answer_a_renewal_ends_the_watch():
    with Scripted({**OFFERS, b"IDLE": idling(b"")}) as server:
        watch = watch_of(server.port, "anna", Security.PLAIN)
        watch.open()
        assert changed(watch)

        watch.renew()
        assert watch.due_at <= time.monotonic() + 60

        with pytest.raises(Unreachable):
            watch.renew()
        watch.close()


def test_a_folder_that_is_gone_cannot_be_watched():
    replies = {**OFFERS, b"EXAMINE": b"{tag} NO [NONEXISTENT] no\r\n"}
    with Scripted(replies) as server, pytest.raises(FolderGone):
        watch_of(server.port, "anna", Security.PLAIN).open()


def test_a_closed_watch_says_so():
    watch = watch_of(1, "anna", Security.PLAIN)
    watch.close()
    watch.close()

    with pytest.raises(Unreachable):
        watch.fileno()
