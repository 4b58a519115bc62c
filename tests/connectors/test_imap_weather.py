"""A connection that breaks anywhere loses nothing: the last cursor goes on from there."""

from __future__ import annotations

import pytest

from connectors.base import Cursor
from connectors.errors import ConnectorError, Misbehaved, Unreachable
from connectors.imap import Password
from tests.connectors.conftest import IMPATIENT
from tests.contract.mails import letters
from tests.servers.flaky import Flaky
from tests.servers.hands import PASSWORD

MAILS = 12


@pytest.fixture
def user(dovecot, request):
    name = f"weather{abs(hash(request.node.name))}"
    dovecot.user(name)
    dovecot.deliver(name, letters(1, MAILS))
    return name


def listed_through(line: Flaky, connect, user: str) -> tuple[list[str], list[type[ConnectorError]]]:
    """List a folder with a new connection after every break, from the last cursor on."""
    found: list[str] = []
    errors: list[type[ConnectorError]] = []
    cursor: Cursor | None = None
    for _ in range(30):
        connector = connect(line.port, auth=Password(PASSWORD), username=user, limits=IMPATIENT)
        try:
            inbox = connector.folders()[0]
            for page in connector.changes(inbox, cursor, None):
                found += [envelope.message_id for envelope in page.envelopes]
                cursor = page.cursor
        except ConnectorError as error:
            errors.append(type(error))
            for traffic in line.connections:
                traffic.from_server = 0
            if len(errors) == 4:
                line.cut_after = line.stall_after = line.garble = None
        else:
            return found, errors
        finally:
            connector.close()
    raise AssertionError("never done")


WANTED = [f"{number}@test" for number in range(MAILS, 0, -1)]


@pytest.mark.parametrize("cut_after", [0, 60, 500, 1500, 2400, 2900, 3300, 4000])
def test_a_cut_anywhere_loses_nothing(dovecot, connect, user, cut_after):
    with Flaky(dovecot.port, cut_after=cut_after) as line:
        found, errors = listed_through(line, connect, user)

    assert WANTED == sorted(set(found), key=WANTED.index)
    assert set(errors) <= {Unreachable, Misbehaved}


@pytest.mark.parametrize("stall_after", [0, 500, 2400, 3300])
def test_a_stall_anywhere_is_given_up_and_loses_nothing(dovecot, connect, user, stall_after):
    with Flaky(dovecot.port, stall_after=stall_after) as line:
        found, errors = listed_through(line, connect, user)

    assert WANTED == sorted(set(found), key=WANTED.index)
    assert set(errors) <= {Unreachable}
    assert errors


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(b"UID", b"UIX"), (b"FETCH (", b"FETCH ["), (b"L3 OK", b"L9 OK"), (b"EXISTS", b"EX\0STS")],
)
def test_garbled_answers_are_an_error_or_harmless(dovecot, connect, user, right, wrong):
    with Flaky(dovecot.port, garble=lambda data: data.replace(right, wrong)) as line:
        found, errors = listed_through(line, connect, user)

    assert WANTED == sorted(set(found), key=WANTED.index)
    assert set(errors) <= {Unreachable, Misbehaved}


def test_a_connector_opens_again_after_a_break(dovecot, connect, user):
    with Flaky(dovecot.port) as line:
        connector = connect(line.port, auth=Password(PASSWORD), username=user)
        connector.folders()
        line.cut()

        with pytest.raises(Unreachable):
            connector.folders()

        assert connector.folders()
