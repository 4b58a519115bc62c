"""The doctor names what is missing with its remedy, and isn't alarmed by what others manage."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from models.queries import server
from tests.house import House
from worker import alive, doctor


def problems(house: House, **settings: object) -> dict[str, str]:
    """Return what the doctor finds to mend."""
    examined = doctor.examine(house.service.settings.model_copy(update=settings))
    assert all(one.remedy for one in examined if not one.is_well)
    return {one.subject: one.problem for one in examined if not one.is_well}


def test_processes_that_do_not_run_are_missed(house: House, tmp_path: Path):
    house.service.redis.flushall()
    house.connect(house.user())
    at_rest = problems(house)
    with house.store.engine.connect() as connection, house.processes(tmp_path) as running:
        assert server.become_clock(connection)
        house.service.redis.zadd("leadmail-queue:__heartbeats__", {"one": 9e15})
        house.rows_changed(
            "INSERT INTO lease SELECT id, 'watch', workspace_id, 1, now() + '1 h' FROM mailbox"
        )
        at_work = problems(house)
        assert {} == running.running

    assert {"worker", "clock", "watcher"} == set(at_rest)
    assert {} == at_work


def test_a_redis_that_tells_nothing_of_itself_is_well(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise redis.ResponseError("unknown command 'CONFIG'")

    monkeypatch.setattr(redis.Redis, "config_get", refuse)

    assert "redis" not in problems(house)


def test_a_redis_that_is_away_is_named(house: House):
    assert {"redis", "queue"} <= set(problems(house, redis_url="redis://127.0.0.1:1/0"))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_named(
    house: House, tmp_path: Path, content: str | None
):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    assert "certificate authorities" in problems(house, ca_file=path)


def test_too_few_files_for_all_watches_are_named(house: House, monkeypatch: pytest.MonkeyPatch):
    house.connect(house.user())
    monkeypatch.setattr(alive, "most", lambda: 2)

    assert "open files" in problems(house)
