"""The command line says in which workspace by `--in`, and takes `--workspace` as a scope only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.house import House
from worker.cli import app
from worker.workspaces import create_workspace

ORDERED = ("--instructed-by", "the test", "--reference", "ref-1")
Run = Callable[..., Any]


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the house's databases."""
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("beside", [(), ("--lead", "anna"), ("--in", "1")])
def test_a_workspace_as_a_scope_is_refused_and_nothing_is_ordered(
    house: House, run: Run, beside: tuple[str, ...]
):
    house.put_lead("anna", "anna@customer.test")

    said = run("erase", "--workspace", str(house.workspace), *beside, *ORDERED)

    assert 2 == said.exit_code
    assert "a whole workspace can't be erased yet" in said.stderr
    assert 1 == house.count("lead")


@pytest.mark.parametrize(
    "command",
    [("mailbox", "list"), ("login",), ("erase", "--lead", "anna", *ORDERED)],
    ids=["mailbox", "login", "erase"],
)
def test_among_several_workspaces_one_is_named_by_in(
    house: House, run: Run, command: tuple[str, ...]
):
    house.put_lead("anna", "anna@customer.test")
    create_workspace(house.service, "Another firm")

    unnamed, named = run(*command), run(*command, "--in", str(house.workspace))

    assert (2, 0) == (unnamed.exit_code, named.exit_code), named.output
    assert "there are 2 workspaces: name one with --in" in unnamed.stderr


def test_what_is_erased_in_a_named_workspace_is_certified(house: House, run: Run):
    house.put_lead("anna", "anna@customer.test")

    said = run("erase", "--lead", "anna", "--in", str(house.workspace), *ORDERED)

    assert 0 == said.exit_code
    assert '"residue"' in said.stdout
    assert 0 == house.count("lead")
