"""Ten thousand mails in forty folders, moved about, killed and throttled while they come in."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from tests.comparison import EQUAL
from tests.fakes.microsoft import Person
from tests.letters import NOON, letter
from tests.service.graph.graph_house import GraphHouse

FOLDERS, MAILS, LEADS, PART = 40, 10_000, 100, 0.08
KILLS = 3


def lead(number: int) -> str:
    return f"person{number}@customer{number}.test"


def fill(person: Person, chance: random.Random) -> set[str]:
    """Hold mails in folders within folders, a part of them of leads; return the ids of those."""
    wanted = set()
    for number in range(FOLDERS):
        parent = f"Folder {number // 4}" if number >= 4 else ""
        person.create_folder(f"Folder {number}", path_of(number // 4) if parent else "")
        are_leads = [chance.random() < PART for _ in range(MAILS // FOLDERS)]
        raws = [
            mail(chance.randrange(LEADS) if is_lead else None, number * 1000 + n, person.address)
            for n, is_lead in enumerate(are_leads)
        ]
        ids = person.load(mails=raws, folder=path_of(number))
        wanted |= {id_ for id_, is_lead in zip(ids, are_leads, strict=True) if is_lead}
    return wanted


def mail(of_lead: int | None, number: int, to: str) -> bytes:
    """Write a mail of a lead, all of whose are one thread, or of somebody else."""
    at = NOON - timedelta(minutes=number)
    if of_lead is None:
        return letter(f"x{number}.1", f"x{number}@elsewhere.test", to, at=at)
    answers = [f"l{of_lead}.0"]
    return letter(f"l{of_lead}.{number}", lead(of_lead), to, answers=answers, at=at)


def path_of(number: int) -> str:
    """Return the path of a folder."""
    name = f"Folder {number}"
    return f"{path_of(number // 4)}/{name}" if number >= 4 else name


def disturb(house: GraphHouse, person: Person, chance: random.Random, left: list[str]) -> None:
    """Move mails between folders, expire links, refuse and kill, while the mailbox comes in."""
    for turn in range(KILLS):
        house.kill_one()
        for id_ in [left.pop() for _ in range(60)]:
            person.move(id_, path_of(chance.randrange(FOLDERS)))
        for number in chance.sample(range(FOLDERS), 5):
            person.expire_links(path_of(number), chance.choice(["gone", "syncStateNotFound"]))
        house.microsoft.throttle(2, timedelta(seconds=1), "TooManyRequests")
        house.microsoft.fail_next("MailboxStoreUnavailable", 2)
        house.arrive(person, f"during{turn}.1", lead(turn))


@pytest.mark.timeout(300)
def test_ten_thousand_mails_in_forty_folders_are_neither_lost_nor_twice_nor_removed_f5(
    house: GraphHouse,
):
    for number in range(LEADS):
        house.put_lead(f"lead{number}", lead(number), runs=False)
    person = house.person()
    chance = random.Random(7)
    wanted = fill(person, chance)
    left = list(person.messages())
    chance.shuffle(left)

    mailbox = house.join(person, runs=False)
    disturb(house, person, chance, left)
    gone = {left.pop() for _ in range(20)}
    for id_ in gone:
        person.delete(id_)
    for _ in range(20):
        house.let_time_pass()
        house.run_jobs()
        if house.state(mailbox)[0] == "live":
            break
    house.sync(mailbox)
    house.sync(mailbox)

    counted = person.counters()
    removed = house.count("change", "kind = 'message.removed'")
    again = len(counted.contents) - len(set(counted.contents))
    print(f"{sum(counted.calls.values())} requests, {again} fetched again")
    assert EQUAL == house.compare()
    assert len(counted.ids - wanted) == KILLS
    assert not {"subject", "bodyPreview", "body", "uniqueBody"} & set(counted.selected)
    assert {} == counted.mutable
    assert removed <= len(gone & wanted)
    # Who is killed while a batch is stored and the next one comes has to fetch both again.
    assert again <= KILLS * 2 * 20
