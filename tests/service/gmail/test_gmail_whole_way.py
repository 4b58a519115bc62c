"""Gmail with the real processes: killed at work, read, and at the end nothing is left."""

from __future__ import annotations

import random
import secrets
import time
from pathlib import Path

import httpx

from tests.comparison import EQUAL
from tests.databases import Databases
from tests.fakes.google import Google, Person
from tests.letters import bulk
from tests.privacy.way import Stores, answers, go_wrong, is_verified, letter, read_all
from tests.processes import Processes, until
from tests.servers.dovecot import Dovecot
from tests.service.gmail.gmail_house import GmailHouse
from tests.storm import rounds, storm
from worker import grants
from worker.embedded import PostgresServer, RedisServer

ANNA = "anna@customer.test"
SECONDS = 120
KILLS = rounds(ci=12, full=300)
pytestmark = storm(KILLS, each=5)


def test_nothing_is_lost_or_left_behind_whatever_is_killed(
    own_postgres: PostgresServer,
    own_redis: RedisServer,
    dovecot: Dovecot,
    google: Google,
    tmp_path: Path,
    free_port: int,
) -> None:
    # given an account with a long past of a lead, and with mail that is nobody's business
    databases = Databases(own_postgres.url, own_postgres.vault_url)
    canary, foreign, control = ("zq" + secrets.token_hex(8) for _ in range(3))
    service_account = google.settings.push_service_account
    house = GmailHouse(
        databases, own_redis, dovecot, google, gmail_push_service_account=service_account
    )
    house.environment["GMAIL_PUSH_SERVICE_ACCOUNT"] = service_account
    house.environment["LEADMAIL_PUBLIC_URL"] = f"http://127.0.0.1:{free_port}"
    google.settings.push_url = f"http://127.0.0.1:{free_port}/hooks/gmail"
    logs = tmp_path / "logs"
    logs.mkdir()
    stores = Stores(own_postgres, own_redis, logs)
    stores.plant_controls(control)
    house.put_lead("anna", ANNA, runs=False)
    house.put_lead(f"lead-{canary}", f"{canary}@{canary}.example", runs=False)
    person = house.person()
    person.load(mails=[mail for mail, _ in bulk("past", ANNA, person.address, 300)])
    person.deliver(letter(canary, f"{canary}@{canary}.example", person.address), ["INBOX"])
    person.deliver(letter(foreign, f"{foreign}@{foreign}.example", person.address), ["INBOX"])

    with house.processes(logs, PORT=str(free_port), LEADMAIL_POLL_SECONDS="5") as running:
        # when the real processes take it in, and are killed again and again meanwhile
        running.start("worker", "purge", "clock", "web")
        mailbox = house.connect_gmail(person, runs=False)
        kill_at_work(house, running, person)
        assert until(lambda: house.count("mail") == 301 + KILLS, SECONDS)
        assert EQUAL == house.compare()

        # and what comes later comes in too
        with httpx.Client(
            base_url=f"http://127.0.0.1:{free_port}",
            headers={"Authorization": f"Bearer {house.api_key}"},
            trust_env=False,
        ) as api:
            assert until(lambda: answers(api), SECONDS)
            assert until(lambda: house.state(mailbox)[0] == "live", SECONDS)
            house.arrive(person, "later.1", ANNA)
            assert until(lambda: "later.1" in house.ids("anna"), SECONDS)
            assert canary in read_all(api, f"lead-{canary}")
            go_wrong(api, canary)

        # then nothing can be read of mail or tokens, before the disconnection or after
        grant = grants.read(house.service, house.workspace, mailbox).grant
        assert ({}, {}) == (stores.traces(canary), stores.traces(foreign))
        assert [{}, {}] == [stores.traces(token) for token in (grant.secret, grant.access_token)]
        assert set() == stores.without_control(control)
        order = house.disconnect(mailbox)
        assert until(lambda: is_verified(house, order), SECONDS)
        assert ({}, {}) == (stores.traces(canary), stores.traces(foreign))
        assert not person.is_watched()
    house.close()


def kill_at_work(house: GmailHouse, running: Processes, person: Person) -> None:
    """Kill worker and clock at random moments while mails come in."""
    chance = random.Random(11)
    for number in range(KILLS):
        house.arrive(person, f"during{number}.1", ANNA)
        time.sleep(chance.uniform(0.2, 2.5))
        name = chance.choice(["worker", "worker", "clock"])
        running.kill(name)
        running.start(name)
