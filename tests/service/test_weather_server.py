"""A mail server that refuses, hangs, drops or lies: a state, a remedy, and by itself well again."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from connectors.egress import Egress
from tests.comparison import EQUAL
from tests.house import House
from tests.letters import letter
from tests.servers.dovecot import Dovecot
from tests.servers.hands import PASSWORD
from tests.tap import Drop, Hang, Tap, Weather, breaking, refusing
from worker import clock
from worker.problems import REMEDIES

ANNA = "anna@customer.test"
THROTTLED = b"NO Request is throttled. Suggested Backoff Time: 90000 milliseconds"
DUE = "SELECT extract(epoch FROM due_at - now()) AS seconds, failures FROM mailbox WHERE id = :id"


def wait_left(house: House, mailbox: int) -> float | None:
    """Return in how many seconds a mailbox is tried again, None if never by itself."""
    seconds = house.rows(DUE, id=mailbox)[0].seconds
    return None if seconds is None else float(seconds)


def let_time_pass(house: House) -> None:
    """Let the clock tick when everything that was put off is due."""
    house.rows_changed("UPDATE mailbox SET due_at = now() WHERE due_at IS NOT NULL")
    house.service.redis.flushall()
    clock.tick(house.service)
    house.run_jobs()


BAD_WEATHER: dict[str, tuple[Weather, str]] = {
    "drops at login": (breaking(b"LOGIN", Drop), "unreachable"),
    "drops at a listing of folders": (breaking(b"LIST", Drop), "unreachable"),
    "drops when a folder is opened": (breaking(b"EXAMINE", Drop), "unreachable"),
    "drops among headers": (breaking(b"UID FETCH", Drop), "unreachable"),
    "hangs at login": (breaking(b"LOGIN", Hang), "unreachable"),
    "hangs when a folder is opened": (breaking(b"EXAMINE", Hang), "unreachable"),
    "says NO to a listing of folders": (refusing(b"LIST", b"NO not today"), "misbehaved"),
    "is unavailable at login": (
        refusing(b"LOGIN", b"NO [UNAVAILABLE] try again later"),
        "unreachable",
    ),
    "says BYE at a listing": (refusing(b"LIST", b"* BYE going down"), "unreachable"),
    "says BYE among headers": (refusing(b"UID FETCH", b"* BYE going down"), "unreachable"),
    "answers garbage": (refusing(b"LIST", b"*\x00\xff }{ garbage"), "misbehaved"),
    "asks to wait at login": (
        refusing(b"LOGIN", THROTTLED),
        "throttled",
    ),
    "asks to wait among headers": (
        refusing(b"UID FETCH", THROTTLED),
        "throttled",
    ),
}


@pytest.mark.parametrize(("weather", "problem"), BAD_WEATHER.values(), ids=BAD_WEATHER)
def test_a_server_in_bad_weather_is_named_put_off_and_tried_again(
    brief: House, tap: Tap, weather: Weather, problem: str
):
    house, user = brief, brief.user()
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA)
    mailbox = house.connect(user, port=tap.port)
    house.write(user, "t2.1", ANNA)

    tap.weather = weather
    house.sync(mailbox)
    during, wait = house.state(mailbox), wait_left(house, mailbox)
    tap.weather = None
    let_time_pass(house)

    assert ("failing", problem) == during
    assert problem in REMEDIES
    assert wait is not None
    assert 2 < wait < 100
    assert problem != "throttled" or 80 < wait
    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


@pytest.mark.parametrize("how", [Drop, Hang], ids=["drops", "hangs"])
def test_mail_that_could_not_be_fetched_waits_and_is_not_asked_for_without_end(
    brief: House, tap: Tap, how: type[Drop | Hang]
):
    house, user = brief, brief.user()
    house.put_lead("anna", ANNA)
    mailbox = house.connect(user, port=tap.port)
    house.write(user, "t1.1", ANNA)

    def break_bodies(line: bytes) -> None:
        if b"BODY.PEEK[]" in line:
            raise how

    tap.weather = break_bodies
    before = tap.connections
    house.sync(mailbox)
    clock.tick(house.service)
    house.run_jobs()
    during, connections = house.state(mailbox), tap.connections - before
    tap.weather = None
    let_time_pass(house)

    assert ("failing", "unreachable") == during
    assert 1 == connections
    assert 0 == house.show(mailbox).progress.parked
    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


def test_one_mailbox_in_bad_weather_leaves_the_others_alone(brief: House, tap: Tap):
    house = brief
    one, other = house.user(), house.user()
    house.put_lead("anna", ANNA)
    failing, well = house.connect(one, port=tap.port), house.connect(other)
    tap.weather = breaking(b"LOGIN", Drop)
    for user in (one, other):
        house.write(user, f"{user}.1", ANNA)

    house.sync()

    assert "failing" == house.state(failing)[0]
    assert ("live", None) == house.state(well)
    assert 1 == len(house.messages("anna"))


def test_the_wait_grows_with_each_failure_and_has_an_end(brief: House, tap: Tap):
    house, user = brief, brief.user()
    mailbox = house.connect(user, port=tap.port)
    tap.weather = breaking(b"LOGIN", Drop)

    waits = []
    for _ in range(11):
        house.sync(mailbox)
        waits.append(wait_left(house, mailbox) or 0)

    assert all(3 * 2**n < wait < 7 * 2**n for n, wait in enumerate(waits[:6]))
    assert 15 * 60 * 0.7 < waits[-1] < 15 * 60 * 1.3


def test_a_problem_is_told_once_and_its_end_too_f17(brief: House, tap: Tap):
    house, user = brief, brief.user()
    mailbox = house.connect(user, port=tap.port)
    tap.weather = breaking(b"LOGIN", Drop)
    house.sync(mailbox)
    house.sync(mailbox)
    tap.weather = None
    house.sync(mailbox)

    told = [row.kind for row in house.rows("SELECT kind FROM change ORDER BY id")]
    assert 1 == told.count("mailbox.failing")
    assert "mailbox.live" == told[-1]


@pytest.mark.parametrize("bytes_", [300, 700, 1500, 3000, 6000, 12000])
def test_a_connection_that_breaks_anywhere_loses_nothing_f3(brief: House, tap: Tap, bytes_: int):
    house, user = brief, brief.user()
    house.put_lead("anna", ANNA)
    for number in range(15):
        house.write(user, f"t{number}.1", ANNA, text="word " * 40)
    mailbox = house.connect(user, port=tap.port, runs=False)

    tap.break_after = bytes_
    house.run_jobs()
    tap.break_after = None
    let_time_pass(house)
    let_time_pass(house)

    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


def change_password(dovecot: Dovecot, user: str, password: str) -> None:
    """Let the mail server know another password for a user."""
    # Dovecot looks for changes in a file once a second only.
    time.sleep(1.1)
    (dovecot.directory / "users" / user).write_text(f"{user}:{{PLAIN}}{password}\n")


def test_a_changed_password_waits_for_the_person_and_nothing_is_lost_f17_f19(house: House):
    user = house.user()
    house.put_lead("anna", ANNA)
    house.write(user, "t1.1", ANNA)
    mailbox = house.connect(user)

    change_password(house.dovecot, user, "another password")
    house.write(user, "t2.1", ANNA)
    house.sync(mailbox)
    first, first_wait = house.state(mailbox), wait_left(house, mailbox)
    let_time_pass(house)
    during, wait = house.state(mailbox), wait_left(house, mailbox)
    clock.tick(house.service)
    rung = list(house.bell.waiting)
    change_password(house.dovecot, user, PASSWORD)
    again = house.connect(user)

    assert ("failing", "authentication-failed") == first
    assert 2 < (first_wait or 0) < 10
    assert ("reauthorize", "authentication-failed") == during
    assert None is wait
    assert ["mailbox.failing", "mailbox.reauthorize"] == [
        row.kind
        for row in house.rows("SELECT kind FROM change ORDER BY id")
        if row.kind in ("mailbox.failing", "mailbox.reauthorize")
    ]
    assert [] == rung
    assert mailbox == again
    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


@pytest.mark.parametrize(
    ("egress", "problem"),
    [
        (Egress(("127.0.0.1",), None), "certificate-refused"),
        (Egress((), None), "host-not-allowed"),
    ],
    ids=["certificate", "host"],
)
def test_a_server_that_may_not_be_reached_any_more_is_named(
    house: House, egress: Egress, problem: str
):
    user = house.user()
    house.put_lead("anna", ANNA)
    mailbox = house.connect(user)
    house.write(user, "t1.1", ANNA)
    before = house.service.egress

    house.service.__dict__["egress"] = egress
    house.sync(mailbox)
    during = house.state(mailbox)
    house.service.__dict__["egress"] = before
    let_time_pass(house)

    assert ("failing", problem) == during
    assert ("live", None) == house.state(mailbox)
    assert EQUAL == house.compare()


def test_a_folder_that_may_not_be_opened_does_not_stop_the_others(house: House, tap: Tap):
    user = house.user("Shared", "Zoo")
    house.put_lead("anna", ANNA)
    for folder in ("INBOX", "Shared", "Zoo"):
        house.deliver(user, letter(f"{folder}.1", ANNA, user), folder=folder)

    tap.weather = refusing(b'EXAMINE "SHARED"', b"NO [NONEXISTENT] no right to read it")
    mailbox = house.connect(user, port=tap.port)
    during = house.ids("anna")
    tap.weather = None
    house.sync(mailbox)

    assert ["INBOX.1", "Zoo.1"] == during
    assert ["INBOX.1", "Shared.1", "Zoo.1"] == house.ids("anna")


def test_a_throttled_mailbox_is_left_alone_for_as_long_as_it_asked(brief: House, tap: Tap):
    house, user = brief, brief.user()
    mailbox = house.connect(user, port=tap.port)
    tap.weather = refusing(b"LIST", THROTTLED)
    house.sync(mailbox)
    connections = tap.connections

    clock.tick(house.service)
    house.run_jobs()

    assert connections == tap.connections
    assert timedelta(seconds=80) < timedelta(seconds=wait_left(house, mailbox) or 0)
