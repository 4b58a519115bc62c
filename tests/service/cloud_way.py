"""The whole way of a mailbox at a provider with an API, with the real processes, killed at work."""

from __future__ import annotations

import random
import secrets
import time
from pathlib import Path
from typing import Any

import httpx

from tests.comparison import EQUAL
from tests.letters import bulk
from tests.privacy.way import Stores, answers, go_wrong, is_verified, letter, read_all
from tests.processes import Processes, until
from tests.service.cloud_house import ANNA, CloudHouse
from worker import grants
from worker.embedded import PostgresServer, RedisServer

SECONDS = 120


def walk(
    house: CloudHouse[Any],
    servers: tuple[PostgresServer, RedisServer],
    directory: Path,
    port: int,
    kills: int,
) -> None:
    """Connect, read, be killed, disconnect: nothing is lost meanwhile, or left in the end."""
    # given an account with a long past of a lead, and with mail that is nobody's business
    canary, foreign, control = ("zq" + secrets.token_hex(8) for _ in range(3))
    house.environment["LEADMAIL_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    logs = directory / "logs"
    logs.mkdir()
    stores = Stores(*servers, logs)
    stores.plant_controls(control)
    house.put_lead("anna", ANNA, runs=False)
    house.put_lead(f"lead-{canary}", f"{canary}@{canary}.example", runs=False)
    person = house.person()
    person.load(mails=[mail for mail, _ in bulk("past", ANNA, person.address, 300)])
    house.put(person, letter(canary, f"{canary}@{canary}.example", person.address))
    house.put(person, letter(foreign, f"{foreign}@{foreign}.example", person.address))

    with house.processes(logs, PORT=str(port), LEADMAIL_POLL_SECONDS="5") as running:
        # when the real processes take it in, and are killed again and again meanwhile
        running.start("worker", "purge", "clock", "web")
        mailbox = house.join(person, runs=False)
        kill_at_work(house, running, person, kills)
        assert until(lambda: house.count("mail") == 301 + kills, SECONDS)
        assert EQUAL == house.compare()

        # and what comes later comes in too
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
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
        assert not house.is_watched(person)


def kill_at_work(house: CloudHouse[Any], running: Processes, person: Any, kills: int) -> None:
    """Kill worker and clock at random moments while mails come in."""
    chance = random.Random(11)
    for number in range(kills):
        house.arrive(person, f"during{number}.1", ANNA)
        time.sleep(chance.uniform(0.2, 2.5))
        name = chance.choice(["worker", "worker", "clock"])
        running.kill(name)
        running.start(name)
